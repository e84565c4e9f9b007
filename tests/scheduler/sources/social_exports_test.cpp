// Exports of Google, Facebook, Instagram, X and Flickr as their forms are described
// (ops/docs/sources.md), walked as folders.
#include "scheduler/sidecars/social_exports.h"

#include "scheduler/sidecars/sidecar_texts.h"
#include "tests/scheduler/sources/sources_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class Exports : public Sources {
 protected:
  /// "path: column=value; …" of every photo.
  std::map<std::string, std::string> kept(const std::string& folder, WalkOptions options = {}) {
    Walker walker(plan({folder}), std::move(options));
    std::map<std::string, std::string> all;
    for (;;) {
      const auto files = must(walker.next());
      if (files.empty()) break;
      for (const FoundFile& one : files) {
        std::string& text = all[one.path];
        for (const auto& [name, value] : one.kept)
          text += (text.empty() ? "" : "; ") + name + "=" + value;
      }
    }
    report_ = walker.report();
    return all;
  }
  static std::string takeout(const std::string& title, int day, const std::string& text = "") {
    return "{\"title\":\"" + title + "\",\"description\":\"" + text +
           "\",\"photoTakenTime\":{\"timestamp\":\"" + std::to_string(86'400 * day) + "\"}}";
  }
};

TEST_F(Exports, OfGoogleAreReadBesideTheirPhotos) {
  const std::string folder = "T/Takeout/Google Photos/Photos from 1970/";
  for (const char* name : {"IMG_1.jpg", "IMG_1(1).jpg", "IMG_1-edited.jpg", "plain.jpg",
                           "a very long name of a photo that is cut in its si.jpg"})
    put(folder + name);
  put(folder + "IMG_1.jpg.supplemental-metadata.json", takeout("IMG_1.jpg", 1, "one"));
  put(folder + "IMG_1.jpg.supplemental-metadata(1).json", takeout("IMG_1.jpg", 2));
  put(folder + "a very long name of a photo that is cut in its.json",
      takeout("a very long name of a photo that is cut in its sidecar.jpg", 3));
  put(folder + "metadata.json", "{\"title\":\"Photos from 1970\"}");
  put(folder + "sub/x.jpg");  // a folder between: its parent's names are still known behind it

  const auto all = kept("T");
  const std::string at = folder.substr(2);
  EXPECT_EQ(all.at(at + "IMG_1.jpg"),
            "taken_at=1970-01-02T00:00:00Z; title=IMG_1.jpg; text=one; source=Google Takeout");
  EXPECT_THAT(all.at(at + "IMG_1-edited.jpg"), HasSubstr("1970-01-02"));
  EXPECT_THAT(all.at(at + "IMG_1(1).jpg"), HasSubstr("1970-01-03"));
  EXPECT_THAT(all.at(at + "a very long name of a photo that is cut in its si.jpg"),
              HasSubstr("1970-01-04"));
  EXPECT_EQ(all.at(at + "plain.jpg"), "");
  EXPECT_EQ(all.at(at + "sub/x.jpg"), "");
  EXPECT_THAT(report_.described, ElementsAre(Pair("Google Takeout", 4)));

  WalkOptions off;
  off.sidecars = false;
  EXPECT_EQ(kept("T", off).at(at + "IMG_1.jpg"), "");
}

TEST_F(Exports, OfFacebookHaveTheirTextsMended) {
  // "Caf\u00c3\u00a9" is how Facebook writes Café.
  const std::string posts = R"([
    {"timestamp":86400,"title":"Ana added a new photo.",
     "data":[{"post":"Caf\u00c3\u00a9 \u00f0\u009f\u0098\u0080"}],
     "attachments":[{"data":[{"media":{
       "uri":"your_facebook_activity/posts/media/Timelinephotos_1/1.jpg",
       "creation_timestamp":172800,"title":"Timeline photos",
       "media_metadata":{"photo_metadata":{"exif_data":[
         {"upload_ip":"x","taken_timestamp":3600,"latitude":52.5,"longitude":13.25}]}}}}]}]}])";
  const std::string album = R"({"name":"Mobile uploads","photos":[
      {"uri":"posts/media/Mobileuploads_2/2.jpg","creation_timestamp":259200,
       "description":"On the hill"}]})";
  for (const std::string front : {"your_facebook_activity/", ""}) {
    const std::string name = front.empty() ? "old" : "new";
    put(name + "/" + front + "posts/your_posts_1.json", posts);
    put(name + "/" + front + "posts/album/0.json", album);
    put(name + "/" + front + "posts/media/Timelinephotos_1/1.jpg");
    put(name + "/" + front + "posts/media/Mobileuploads_2/2.jpg");
    put(name + "/" + front + "posts/media/Mobileuploads_2/3.jpg");
    put(name + "/" + front + "comments_and_reactions/comments.json", "{}");

    const auto all = kept(name);
    EXPECT_EQ(all.at(front + "posts/media/Timelinephotos_1/1.jpg"),
              "taken_at=1970-01-01T01:00:00Z; latitude=52.5; longitude=13.25; "
              "posted_at=1970-01-03T00:00:00Z; text=Caf\xc3\xa9 \xf0\x9f\x98\x80; "
              "album=Timeline photos; source=Facebook");
    EXPECT_EQ(all.at(front + "posts/media/Mobileuploads_2/2.jpg"),
              "posted_at=1970-01-04T00:00:00Z; text=On the hill; album=Mobile uploads; "
              "source=Facebook");
    EXPECT_EQ(all.at(front + "posts/media/Mobileuploads_2/3.jpg"), "");
  }
  EXPECT_THAT(report_.described, ElementsAre(Pair("Facebook", 2)));
}

TEST_F(Exports, OfInstagramAreReadInTheirForms) {
  const std::string posts = R"([
    {"media":[{"uri":"media/posts/201901/a.jpg","creation_timestamp":86400,"title":"Gr\u00c3\u00bcn"}]},
    {"media":[{"uri":"media/posts/201901/b.jpg","creation_timestamp":86400,"title":""},
              {"uri":"media/posts/201901/c.jpg","creation_timestamp":86400,"title":""}],
     "title":"Two of them","creation_timestamp":172800}])";
  put("N/your_instagram_activity/content/posts_1.json", posts);
  put("O/content/posts_1.json", posts);
  for (const char* root : {"N", "O"}) {
    for (const char* name : {"a.jpg", "b.jpg", "c.jpg"})
      put(std::string(root) + "/media/posts/201901/" + name);
    const auto all = kept(root);
    EXPECT_EQ(all.at("media/posts/201901/a.jpg"),
              "posted_at=1970-01-02T00:00:00Z; text=Gr\xc3\xbcn; source=Instagram");
    EXPECT_THAT(all.at("media/posts/201901/c.jpg"), HasSubstr("text=Two of them"));
  }
  // The oldest form.
  put("M/media.json",
      R"({"photos":[{"caption":"Sea","taken_at":"2018-01-02","path":"p.jpg","uri":"photos/p.jpg"}]})");
  put("M/photos/p.jpg");
  EXPECT_THAT(kept("M").at("photos/p.jpg"), HasSubstr("text=Sea"));
}

TEST_F(Exports, OfXHaveTweetsByTheNumberInTheName) {
  put("X/data/tweets.js", R"(window.YTD.tweets.part0 = [
    {"tweet":{"id_str":"1050118621198921728","full_text":"Tom &amp; me &lt;3",
      "created_at":"Wed Oct 10 20:19:24 +0000 2018","entities":{"media":[]},
      "coordinates":{"type":"Point","coordinates":["-0.125","51.5"]}}}])");
  put("X/data/tweets-part1.js", R"(window.YTD.tweets.part1 = [
    {"tweet":{"id_str":"2","full_text":"second","created_at":"x"}}])");
  put("X/data/tweets_media/1050118621198921728-DpK.jpg");
  put("X/data/tweets_media/2-x.jpg");
  put("X/data/tweets_media/3-y.jpg");
  put("X/data/direct_messages_media/2-z.jpg");

  const auto all = kept("X");
  EXPECT_EQ(all.at("data/tweets_media/1050118621198921728-DpK.jpg"),
            "posted_at=2018-10-10T20:19:24Z; latitude=51.5; longitude=-0.125; "
            "text=Tom & me <3; source=X");
  EXPECT_EQ(all.at("data/tweets_media/2-x.jpg"), "text=second; source=X");
  EXPECT_EQ(all.at("data/tweets_media/3-y.jpg"), "");
  EXPECT_EQ(all.at("data/direct_messages_media/2-z.jpg"), "");
}

TEST_F(Exports, OfFlickrHaveAFileForEachPhotoBesideTheirFolder) {
  const std::string json = R"({"id":"48499561892","name":"Fox","description":"by the lake",
    "date_taken":"2019-08-09 09:21:44","geo":[{"latitude":"42280826","longitude":"-83743038"}],
    "tags":[{"tag":"fox"},{"tag":"lake"}],"albums":[{"id":"1","title":"Summer"}],
    "photopage":"https://www.flickr.com/photos/x/48499561892/"})";
  put("F/72157_part1/photo_48499561892.json", json);
  put("F/data-download-1/fox_48499561892_o.jpg");
  put("F/data-download-1/12_48499561892_0a1b2c_o.jpg");
  put("F/data-download-1/other_77777777_o.jpg");
  const std::string wanted =
      "taken_at=2019-08-09T09:21:44; latitude=42.280826; longitude=-83.743038; title=Fox; "
      "text=by the lake; tags=fox; lake; album=Summer; "
      "url=https://www.flickr.com/photos/x/48499561892/; source=Flickr";

  const auto all = kept("F");
  EXPECT_EQ(all.at("data-download-1/fox_48499561892_o.jpg"), wanted);
  EXPECT_EQ(all.at("data-download-1/12_48499561892_0a1b2c_o.jpg"), wanted);
  EXPECT_EQ(all.at("data-download-1/other_77777777_o.jpg"), "");

  // Also where what is said comes behind the photos, by its name.
  put("G/data-download-1/fox_48499561892_o.jpg");
  put("G/other/photo_48499561892.json", json);
  EXPECT_EQ(kept("G").at("data-download-1/fox_48499561892_o.jpg"), wanted);
}

TEST_F(Exports, AreFoundBesideEachOtherBelowAnyFolder) {
  put("All/x/fb/your_facebook_activity/posts/your_posts_1.json",
      R"([{"data":[{"post":"one"}],"attachments":[{"data":[{"media":{"uri":"posts/media/1.jpg"}}]}]}])");
  put("All/x/fb/your_facebook_activity/posts/media/1.jpg");
  put("All/x/ig/media.json", R"({"photos":[{"caption":"two","uri":"photos/1.jpg"}]})");
  put("All/x/ig/photos/1.jpg");
  put("All/x/posts/media/1.jpg");
  put("All/gp/1.jpg");
  put("All/gp/1.jpg.json", takeout("1.jpg", 1));

  // Also where the root is a folder above the one that is named.
  for (const std::string root : {"All", "."}) {
    std::map<std::string, std::string> all;
    const std::vector<Root> known{{"r", root == "." ? base_.string() : at("All")}};
    Walker walker(plan({"All"}, known), {});
    for (const FoundFile& one : must(walker.next())) {
      for (const auto& [name, value] : one.kept) {
        if (name == "text" || name == "taken_at") all[one.path] = value;
      }
    }
    const std::string front = root == "." ? "All/" : "";
    EXPECT_THAT(all,
                ElementsAre(Pair(front + "gp/1.jpg", "1970-01-02T00:00:00Z"),
                            Pair(front + "x/fb/your_facebook_activity/posts/media/1.jpg", "one"),
                            Pair(front + "x/ig/photos/1.jpg", "two")));
  }
}

TEST_F(Exports, ThatAreDamagedOrNoneCostNoPhoto) {
  put("D/a.jpg");
  put("D/a.jpg.json", std::string(2'000'000, '['));
  put("D/posts/x.json", "{\"uri\":");
  put("D/photos_and_videos/y.json", std::string(200'000, '['));
  put("D/tweets.js", "window.YTD = [");
  put("D/photo_1.json", "{}");
  put("D/media.json", "[[[[{\"uri\":7,\"data\":5,\"media\":[]}]]]]");
  link("/etc/passwd", "D/b.jpg.json");
  put("D/b.jpg");

  const auto all = kept("D");
  EXPECT_THAT(all, ElementsAre(Pair("a.jpg", ""), Pair("b.jpg", "")));
  EXPECT_THAT(report_.described, IsEmpty());
}

TEST(SidecarTexts, AreMendedOnlyWhereTheyAreBroken) {
  EXPECT_EQ(sidecars::mended("Caf\xc3\x83\xc2\xa9"), "Caf\xc3\xa9");
  EXPECT_EQ(sidecars::mended("Caf\xc3\xa9"), "Caf\xc3\xa9");  // is right already
  EXPECT_EQ(sidecars::mended("plain"), "plain");
  EXPECT_EQ(sidecars::mended("\xe2\x82\xac Caf\xc3\x83\xc2\xa9"),
            "\xe2\x82\xac Caf\xc3\x83\xc2\xa9");
  EXPECT_EQ(sidecars::utc_time(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(sidecars::utc_time(99'999'999'999'999), "");
}

}  // namespace
}  // namespace photoscribe::test
