// The page's API, asked of the real program by a real client, over a database made through Store.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/ops/serve/serve_fixture.h"

namespace photoscribe::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

TEST_F(Serve, ShowsItsFrontEndAndNothingFromElsewhere) {
  start();
  const HttpReply page = server_->call({});
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<main"));
  EXPECT_THAT(page.body, Not(HasSubstr("://")));
  EXPECT_THAT(page.headers.at("Content-Security-Policy"),
              AllOf(HasSubstr("default-src 'none'"), Not(HasSubstr("unsafe")),
                    HasSubstr("frame-ancestors 'none'")));
  for (const char* file : {"/app.js", "/app.css", "/tools.js", "/runs.js", "/gallery.js",
                           "/photo.js", "/blur.js", "/first.js"}) {
    const HttpReply asset = server_->call({"GET", file});
    EXPECT_EQ(asset.status, 200) << file;
    EXPECT_EQ(server_->call({"GET", file, {{"If-None-Match", asset.headers.at("ETag")}}}).status,
              304);
  }
  EXPECT_EQ(server_->call({"GET", "/nothing"}).status, 404);
  EXPECT_EQ(server_->call({"DELETE", "/"}).status, 405);
  EXPECT_EQ(server_->end(), 0);
}

TEST_F(Serve, TheFirstPhotosComeWithThePage) {
  start();
  const json rows = photos("at=0&limit=24")["rows"];
  const HttpReply page = server_->call({});
  const std::string mark = "id=\"first\">";
  const auto from = page.body.find(mark) + mark.size();
  const std::string data = page.body.substr(from, page.body.find("</script>", from) - from);
  EXPECT_THAT(data, Not(HasSubstr("<"))) << "a caption must not end the element";
  const json first = json::parse(data);
  EXPECT_EQ(first.at("/api/archive")["edit"], false);
  EXPECT_EQ(first.at("/api/runs")["runs"].size(), 1U);
  EXPECT_EQ(first.at("/api/photos?run=1&at=0&limit=24")["rows"], rows);
}

TEST_F(Serve, ListsRuns) {
  start();
  const json runs = server_->get("/api/runs");
  EXPECT_EQ(runs["writer_pid"], getpid());  // this test has the store
  ASSERT_EQ(runs["runs"].size(), 1U);
  const json& now = runs["runs"][0];
  EXPECT_EQ(now["total"], 5);
  EXPECT_EQ(now["done"], 2);
  EXPECT_EQ(now["failed_by_reason"]["truncated"], 1);
  EXPECT_EQ(now["pending"], 1);
  const json details = server_->get("/api/runs/1");
  EXPECT_EQ(details["failures"][0]["detail"], "cut <b>short</b>");
  EXPECT_EQ(details["events"][0]["kind"], "worker_died");
  EXPECT_EQ(details["roots"][0]["folder"], "/archive/photos");
  EXPECT_EQ(server_->get("/api/archive")["edit"], false);
  EXPECT_EQ(server_->call({"GET", "/api/runs/99"}).status, 400);
}

TEST_F(Serve, ListsFiltersSortsAndFindsPhotos) {
  start();
  EXPECT_EQ(photos("")["total"], 5);
  EXPECT_THAT(names("state=done&sort=path"), ElementsAre("one \"1\".jpg", "two%.jpg"));
  EXPECT_THAT(names("state=done&sort=path&order=desc"), ElementsAre("two%.jpg", "one \"1\".jpg"));
  EXPECT_THAT(names("state=failed,pending"), UnorderedElementsAre("broken.jpg", "late.jpg"));
  EXPECT_THAT(names("reason=truncated"), ElementsAre("broken.jpg"));
  EXPECT_THAT(names("reason=timeout"), ElementsAre());
  EXPECT_THAT(names("sort=blur"), ElementsAre("caf\xEF\xBF\xBD.jpg", "one \"1\".jpg", "two%.jpg"));
  EXPECT_THAT(names("blur_min=100&blur_max=500"), ElementsAre("one \"1\".jpg"));
  EXPECT_THAT(names("confidence_min=0.99"), ElementsAre());
  EXPECT_THAT(names("q=dog"), UnorderedElementsAre("one \"1\".jpg", "two%.jpg"));  // its beginning
  EXPECT_THAT(names("q=dogs%20beach"), ElementsAre("two%.jpg"));
  EXPECT_THAT(names("q=%22%20OR%20(%20*"), ElementsAre()) << "no operator gets through";
  EXPECT_THAT(names("sort=finished&order=desc&limit=1"), ElementsAre("one \"1\".jpg"));
  EXPECT_THAT(names("since=1970-01-01&until=1970-01-02&sort=path&limit=1"),
              ElementsAre("caf\xEF\xBF\xBD.jpg"));
  EXPECT_THAT(names("since=2001-01-01"), ElementsAre());
  EXPECT_THAT(names("edited=1"), ElementsAre());
  for (const char* wrong : {"state=lost", "sort=size", "order=up", "since=yesterday", "blur_min=x",
                            "at=-1", "limit=201", "reason=none", "root=x", "folder=%25zz"}) {
    EXPECT_EQ(server_->call({"GET", std::string("/api/photos?run=1&") + wrong}).status, 400)
        << wrong;
  }
  EXPECT_EQ(server_->call({"GET", "/api/photos"}).status, 400);
}

TEST_F(Serve, PagesThroughOneListWhilePhotosArrive) {
  start();
  const json first = photos("sort=path&limit=2");
  EXPECT_EQ(first["rows"].size(), 2U);
  scan({file("a/one \"1\".jpg"), file("a/caf\xe9.jpg"), file("b/deep/broken.jpg"),
        file("b/late.jpg"), file("b/two%.jpg"), file("a/a new one.jpg")});
  const json rest = photos("sort=path&at=2&limit=100&view=" + first["view"].get<std::string>());
  EXPECT_EQ(rest["view"], first["view"]);
  EXPECT_EQ(rest["rows"].size(), 3U);
  json later;
  for (int i = 0; i < 1'000 && later["total"] != 6; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    later = photos("sort=added");
  }
  EXPECT_EQ(later["total"], 6);
}

TEST_F(Serve, FollowsWhatTheWriterDoes) {
  start();
  EXPECT_EQ(photos("state=blurred")["total"], 1);
  must(store().ensure_run("default", settings(10)));  // another threshold: every verdict anew
  json now;
  for (int i = 0; i < 1'000 && now["total"] != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    now = photos("state=blurred");
  }
  EXPECT_EQ(now["total"], 0);
  EXPECT_EQ(photos("state=pending")["total"], 2);
}

TEST_F(Serve, ShowsFoldersWhateverTheirNames) {
  scan({file("a/x.jpg"), file("caf\xe9/deep/er/y.jpg"), file("z.jpg"), file("50%/z.jpg")});
  start();
  const json top = server_->get("/api/folders?run=1&root=1");
  std::vector<std::string> seen;
  for (const json& one : top["folders"]) seen.push_back(one["folder"]);
  EXPECT_THAT(seen, UnorderedElementsAre("50%25", "a", "b", "caf%E9"));
  EXPECT_EQ(server_->get("/api/folders?run=1&root=1&folder=caf%25E9")["folders"][0]["folder"],
            "caf%E9/deep");
  EXPECT_THAT(names("root=1&folder=caf%25E9/deep"), ElementsAre("y.jpg"));
  EXPECT_THAT(names("root=1&folder=50%2525"), ElementsAre("z.jpg"));
  EXPECT_THAT(names("root=2"), ElementsAre());
}

TEST_F(Serve, ShowsEverythingAboutAPhoto) {
  plain_rows(database(), "SELECT 1");
  start();
  const json photo = server_->get("/api/photos/" + std::to_string(id_of("one \"1\".jpg")));
  EXPECT_EQ(photo["caption"], "a dog, \"rex\", runs");
  EXPECT_EQ(photo["state"], "done");
  ASSERT_EQ(photo["blur"].size(), 5U);
  EXPECT_EQ(photo["blur"][0]["score"], 123.5);
  EXPECT_EQ(photo["blur"][0]["decides"], true);
  EXPECT_EQ(photo["blur"][0]["threshold"], 100.0);
  EXPECT_EQ(photo["attempts"][0]["worker"], "host:1:abc");
  EXPECT_EQ(photo["edits"].size(), 0U);
  EXPECT_EQ(server_->get("/api/photos/" + std::to_string(id_of("broken.jpg")))["detail"],
            "cut <b>short</b>");
  EXPECT_EQ(server_->call({"GET", "/api/photos/4711"}).status, 404);
  EXPECT_EQ(server_->call({"GET", "/api/photos/1x"}).status, 404);
}

TEST_F(Serve, MakesPicturesOnceAndKeepsThem) {
  start();
  const std::string target = "/api/photos/" + std::to_string(id_of("two%.jpg")) + "/picture";
  const HttpReply small = server_->call({"GET", target});
  EXPECT_EQ(small.status, 200);
  EXPECT_EQ(small.headers.at("Content-Type"), "image/jpeg");
  EXPECT_EQ(small.body.substr(0, 2), "\xff\xd8");
  EXPECT_EQ(server_->call({"GET", target}).body, small.body);
  EXPECT_EQ(server_->call({"GET", target, {{"If-None-Match", small.headers.at("ETag")}}}).status,
            304);
  EXPECT_GT(server_->call({"GET", target + "?size=large"}).body.size(), small.body.size());
  EXPECT_EQ(
      server_->call({"GET", "/api/photos/" + std::to_string(id_of("broken.jpg")) + "/picture"})
          .status,
      404);
  EXPECT_EQ(server_->call({"GET", "/api/photos/99/picture"}).status, 404);
  std::ifstream asked(cache() + "/asked");
  std::vector<std::string> lines;
  for (std::string line; std::getline(asked, line);) lines.push_back(line);
  EXPECT_THAT(lines,
              ElementsAre("240 /archive/photos/b/two%.jpg", "1024 /archive/photos/b/two%.jpg",
                          "240 /archive/photos/b/deep/broken.jpg"));
  server_.reset();
  start();  // the next process finds them
  EXPECT_EQ(server_->call({"GET", target}).body, small.body);
}

TEST_F(Serve, LosesOnlyThePictureThatEndsItsMaker) {
  scan({file("crash.jpg"), file("fine.jpg")});
  start();
  EXPECT_EQ(server_->call({"GET", "/api/photos/" + std::to_string(id_of("crash.jpg")) + "/picture"})
                .status,
            404);
  EXPECT_EQ(server_->call({"GET", "/api/photos/" + std::to_string(id_of("fine.jpg")) + "/picture"})
                .status,
            200);
}

TEST_F(Serve, Issue16ShowsPicturesOfPhotosOnServers) {
  Scan remote = must(store().begin_scan(
      run(), {{"web", "https://photos.example"}, {"bucket", "s3://holiday"}}, false));
  FoundFile web = file("2019/a.jpg?w=800"), key = file("beach/a b.jpg");
  key.root = 1;
  const std::vector<FoundFile> both{web, key};
  must(remote.add(both));
  must(remote.finish({}, {}));
  start();
  std::vector<std::int64_t> ids;
  const json found = photos("");
  for (const json& row : found["rows"]) {
    if (row["state"] == "pending" && row["name"] != "late.jpg") ids.push_back(row["id"]);
  }
  ASSERT_EQ(ids.size(), 2U);
  for (const std::int64_t id : ids) {
    const HttpReply shown =
        server_->call({"GET", "/api/photos/" + std::to_string(id) + "/picture"});
    EXPECT_EQ(shown.status, 200) << shown.body;
    EXPECT_EQ(shown.headers.at("Content-Type"), "image/jpeg");
  }
  std::ifstream in(cache() + "/asked");
  const std::string asked{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(asked, AllOf(HasSubstr("240 https://photos.example/2019/a.jpg?w=800\n"),
                           HasSubstr("240 s3://holiday/beach/a b.jpg\n")));
}

}  // namespace
}  // namespace photoscribe::test
