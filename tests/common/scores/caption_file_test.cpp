#include "common/scores/caption_file.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

struct Read {
  Expected<CaptionFileFacts> facts;
  std::vector<std::string> lines;  // "id|other|caption|split"
};

class CaptionFile : public ::testing::Test {
 protected:
  Read read(const std::string& bytes, bool strict = false) {
    Read result{CaptionFileFacts(), {}};
    const auto take = [&](const FileCaption& one) -> Status {
      result.lines.push_back(std::string(one.id) + "|" + std::string(one.other_id) + "|" +
                             std::string(one.caption) + "|" + std::string(one.split));
      return {};
    };
    result.facts = read_caption_file(folder_.write("captions", bytes), take, strict);
    return result;
  }
  /// "captions read; what was left out" of references.
  std::string lenient(const std::string& bytes) {
    LeftOut left_out;
    const auto got = read_references(folder_.write("references", bytes), "", false, &left_out);
    if (!got) return got.error().message;
    EXPECT_FALSE(read_references(folder_.file("references"), "", true)) << "strict: " << bytes;
    std::string text;
    for (const NamedReferences& one : *got)
      for (const std::string& caption : one.captions) text += one.file_name + "|" + caption + "; ";
    return text + to_text(left_out);
  }
  std::vector<NamedReferences> references(const std::string& bytes, const std::string& split = "") {
    const auto got = read_references(folder_.write("references", bytes), split);
    EXPECT_TRUE(got) << got.error().message;
    return got.value_or(std::vector<NamedReferences>());
  }
  std::string refusal(const std::string& bytes, const std::string& split = "") {
    const auto got = read_references(folder_.write("references", bytes), split);
    EXPECT_FALSE(got) << bytes;
    return got ? "" : got.error().message;
  }
  TempDir folder_;
};

constexpr const char* kKarpathy =
    R"({"images": [
      {"sentids": [0, 1], "imgid": 0, "filename": "a.jpg", "split": "train", "sentences": [
        {"tokens": ["a", "dog"], "raw": "A dog .", "imgid": 0, "sentid": 0},
        {"tokens": ["the"], "raw": "The dog", "imgid": 0, "sentid": 1}]},
      {"filepath": "val2014", "cocoid": 42, "sentences": [{"raw": "A cat"}], "split": "test",
       "filename": "b.jpg"}],
     "dataset": "flickr8k"})";

constexpr const char* kCoco =
    R"({"info": {"year": 2014, "nested": [{"id": 3, "caption": "no"}]},
       "images": [{"license": 5, "file_name": "COCO_val2014_000000000042.jpg", "id": 42},
                  {"file_name": "COCO_val2014_000000000073.jpg", "id": 73}],
       "licenses": [{"id": 5, "name": "CC"}],
       "annotations": [{"image_id": 42, "id": 1, "caption": "A cat .\n"},
                       {"image_id": 73, "id": 2, "caption": "A bike"},
                       {"image_id": 42, "id": 3, "caption": "The cat"}]})";

TEST_F(CaptionFile, ReadsFlickrTokens) {
  const Read got = read(
      "\xef\xbb\xbf"
      "a.jpg#0\tA dog runs .\r\n\r\nb c.jpg#0\t A cat .\na.jpg#1\tThe dog\twith a tab");

  ASSERT_TRUE(got.facts) << got.facts.error().message;
  EXPECT_EQ(got.facts->form, CaptionForm::flickr_tokens);
  EXPECT_THAT(got.lines, ElementsAre("a.jpg||A dog runs .|", "b c.jpg||A cat .|",
                                     "a.jpg||The dog\twith a tab|"));
}

TEST_F(CaptionFile, ReadsKagglesCsvWithQuotesAndWithout) {
  const Read got = read(
      "image,caption\r\na.jpg,A dog runs .\na.jpg,\"A dog, \"\"the\"\" dog\"\nb.jpg,A cat, a hat\n"
      "c.jpg,\"two\nlines\"\n");

  ASSERT_TRUE(got.facts) << got.facts.error().message;
  EXPECT_EQ(got.facts->form, CaptionForm::csv);
  EXPECT_THAT(got.lines, ElementsAre("a.jpg||A dog runs .|", "a.jpg||A dog, \"the\" dog|",
                                     "b.jpg||A cat, a hat|", "c.jpg||two\nlines|"));
}

TEST_F(CaptionFile, ReadsKagglesPipedFlickr30k) {
  EXPECT_THAT(read("image_name| comment_number| comment\n1.jpg| 0| Two men , one red .\n").lines,
              ElementsAre("1.jpg||Two men , one red .|"));
}

TEST_F(CaptionFile, ReadsItsOwnExports) {
  const Read csv = read(
      "run,root,uri,state,reason,caption,log_prob\r\n"
      "default,photos,/p/sub/a.jpg,done,,a dog,-3\r\ndefault,photos,/p/b.jpg,blurred,,,\r\n");
  const Read lines = read(
      "{\"run\":\"default\",\"uri\":\"/p/x/a.jpg\",\"path\":\"x/a.jpg\",\"caption\":\"a dog\"}\n"
      "{\"run\":\"default\",\"path\":\"b.jpg\",\"state\":\"failed\",\"caption\":null}\n");

  ASSERT_TRUE(csv.facts && lines.facts);
  EXPECT_THAT(csv.lines, ElementsAre("a.jpg||a dog|"));
  EXPECT_THAT(lines.lines, ElementsAre("a.jpg||a dog|"));
  EXPECT_EQ(csv.facts->without_caption, 1);
  EXPECT_EQ(lines.facts->without_caption, 1);
}

TEST_F(CaptionFile, ReadsJsonLines) {
  const Read got = read(
      "{\"id\": \"a.jpg\", \"captions\": [\"A dog\", \"caf\\u00e9\"], \"x\": {\"id\": 3}}\n\n"
      "{\"caption\": \"\", \"id\": 7}\n");

  ASSERT_TRUE(got.facts) << got.facts.error().message;
  EXPECT_EQ(got.facts->form, CaptionForm::json_lines);
  EXPECT_THAT(got.lines, ElementsAre("a.jpg||A dog|", "a.jpg||café|", "7|||"));
}

TEST_F(CaptionFile, ReadsCocoResultsAndKarpathy) {
  const Read results = read(
      R"([{"image_id": 42, "caption": "a cat", "file_name": "b.jpg"}, {"image_id": 73, "caption": "x"}])");
  const Read karpathy = read(kKarpathy);

  ASSERT_TRUE(results.facts && karpathy.facts);
  EXPECT_THAT(results.lines, ElementsAre("42|b.jpg|a cat|", "73||x|"));
  EXPECT_EQ(karpathy.facts->form, CaptionForm::karpathy);
  EXPECT_THAT(karpathy.lines,
              ElementsAre("a.jpg||A dog .|train", "a.jpg||The dog|train", "b.jpg|42|A cat|test"));
}

TEST_F(CaptionFile, ReadsCocoCaptionsInEitherOrder) {
  const Read got = read(kCoco);
  const Read turned = read(
      R"({"annotations": [{"image_id": 42, "caption": "A cat"}],
          "images": [{"id": 42, "file_name": "b.jpg"}]})");

  ASSERT_TRUE(got.facts && turned.facts);
  EXPECT_EQ(got.facts->form, CaptionForm::coco_captions);
  EXPECT_THAT(got.lines, ElementsAre("42|COCO_val2014_000000000042.jpg|A cat .|",
                                     "73|COCO_val2014_000000000073.jpg|A bike|",
                                     "42|COCO_val2014_000000000042.jpg|The cat|"));
  EXPECT_THAT(turned.lines, ElementsAre("42|b.jpg|A cat|"));
}

TEST_F(CaptionFile, SaysWhatIsWrongAndWhere) {
  const struct {
    const char *bytes, *why;
  } cases[] = {
      {"", "is empty"},
      {" \n\n", "is empty"},
      {"just words\n", "in no known format"},
      {"a.jpg#0 no tab\n", "line 1: no tab"},
      {"a.jpg#0\tfine\n\nb.jpg\tno number\n", "line 3: the name must end in #"},
      {"a.jpg#x\tcaption\n", "\"x\" is not a caption number"},
      {"a.jpg#0\t \n", "the caption is empty"},
      {"a.jpg#0\tone\na.jpg#0\ttwo\n", "line 2: a.jpg has caption number 0 twice"},
      {"a.jpg#70\tone\na.jpg#70\ttwo\n", "line 2: a.jpg has caption number 70 twice"},
      {"a.jpg#0\tcaf\xe9\n", "line 1: the caption is not UTF-8"},
      {"image,caption\na.jpg\n", "line 2: 1 fields, the heading names 2"},
      {"image,caption\na.jpg,\"never\nclosed\n", "the quote of line 2 never closes"},
      {"image,caption\na.jpg,\n", "line 2: the caption is empty"},
      {"image,caption\n", "holds no captions"},
      {"caption,colour\nx,y\n", "the first line must name the columns"},
      {"{\"id\": \"a\", \"caption\": \"x\"}\n{\"id\": \"b\"\n", "line 2: not JSON at byte"},
      {"{\"id\": \"a\", \"caption\": \"x\"} {}\n", "line 1: not JSON at byte"},
      {"{\"id\": \"a\", \"caption\": \"x\"}\n[3]\n", "line 2: is not a JSON object"},
      {"{\"caption\": \"x\"}\n", "line 1: no \"id\""},
      {"{\"id\": \"a\", \"captions\": []}\n", "line 1: a has no captions"},
      {"{\"id\": \"a\", \"captions\": [3, null]}\n", "a caption is not a text"},
      {"[1, 2]", "an item is not an object"},
      {"[{\"image_id\": 1}]", "1 has no \"caption\""},
      {"[{\"image_id\": 1, \"caption\": \"x\"}", "not JSON at byte"},
      {"{\"annotations\": [{\"caption\": \"x\"}]}", "lacks \"image_id\""},
      {"{\"images\": []}", "holds no captions"},
  };
  for (const auto& one : cases) {
    const Read got = read(one.bytes, true);
    ASSERT_FALSE(got.facts) << one.bytes;
    EXPECT_EQ(got.facts.error().code, Errc::invalid_config) << one.bytes;
    EXPECT_THAT(got.facts.error().message, HasSubstr(one.why)) << one.bytes;
    EXPECT_THAT(got.facts.error().message, HasSubstr(folder_.file("captions"))) << one.bytes;
  }
  EXPECT_EQ(read_caption_file(folder_.file("none"), {}).error().code, Errc::environment);
  EXPECT_EQ(read_caption_file(folder_.path().string(), {}).error().code, Errc::environment);
}

TEST_F(CaptionFile, OneWrongLineOfAnyFormIsLeftOutCountedAndNamed) {
  const struct {
    const char *bytes, *read;
  } cases[] = {
      // Kaggle's Flickr30k results.csv, row 19999.
      {"image_name| comment_number| comment\n1.jpg| 3| A dog .\n"
       "2.jpg| 4   A dog runs across the grass .\n3.jpg| 0| A cat .\n",
       "1.jpg|A dog .; 3.jpg|A cat .; 1 entry left out (line 3: 2 fields, the heading names 3)"},
      {"image,caption\na.jpg,one\nb.jpg,\nc.jpg,two\n",
       "a.jpg|one; c.jpg|two; 1 entry left out (line 3: the caption is empty)"},
      {"image,caption\na.jpg,\"a stray quote\nb.jpg,one\nc.jpg,\"two, three\"\n",
       "b.jpg|one; c.jpg|two, three; 1 entry left out (line 2: 3 fields, the heading names 2)"},
      {"image,caption\na.jpg,\"a stray quote\nb.jpg,\"two\" dogs\n",
       "b.jpg|two dogs; 1 entry left out (line 2: the quote closes inside a later line)"},
      {"image,caption\na.jpg,one\nb.jpg,\"never closed\nc.jpg,two\n",
       "a.jpg|one; c.jpg|two; 1 entry left out (line 3: the quote of line 3 never closes)"},
      {"a.jpg#0\tone\na.jpg#1\tcaf\xe9\na.jpg#2\ttwo\n",
       "a.jpg|one; a.jpg|two; 1 entry left out (line 2: the caption is not UTF-8)"},
      {"what is this\na.jpg#0\tone\na.jpg#0\tagain\na.jpg#1 no tab\na.jpg#2\t\n",
       "a.jpg|one; 4 entries left out (line 1: no tab between name and caption; line 3: a.jpg has "
       "caption number 0 twice; line 4: no tab between name and caption; line 5: the caption is "
       "empty)"},
      {"{\"id\":\"a\",\"captions\":[\"one\",null,\"\"]}\n{\"id\":\"b\",\"capt\n[3]\n{\"x\":1}\n"
       "{\"id\":\"c\",\"captions\":[\"caf\xe9\"]}\n{\"id\":\"a\",\"captions\":[\"two\"]}\n"
       "{\"id\":\"d\",\"captions\":[\"three\"]}\n",
       "a|one; d|three; 7 entries left out (line 1: a caption is not a text; line 1: a has an "
       "empty "
       "caption; line 2: "},
      {"{\"id\":\"a\",\"caption\":\"one\"}\n{\"id\":\"b\",\"caption\":null}\n",
       "a|one; 1 entry left out (1 listed without a caption)"},
      {R"({"images":[{"id":1,"file_name":"a.jpg"}],"annotations":[{"image_id":1,"caption":"one"},
          {"image_id":1,"caption":null},{"image_id":1,"caption":"  "},{"image_id":1,"caption":"two"}]})",
       "a.jpg|one; a.jpg|two; 2 entries left out (item 3: an annotation lacks \"image_id\" or "
       "\"caption\"; item 4: 1 has an empty caption)"},
      {"{\"images\":[{\"id\":1,\"file_name\":\"a.jpg\"}],\"annotations\":[{\"image_id\":1,"
       "\"caption\":"
       "\"caf\xe9\"},{\"image_id\":1,\"caption\":\"caf\xc3\xa9 \xf0\x9f\x98\x80\"}]}",
       "a.jpg|caf\xc3\xa9 \xf0\x9f\x98\x80; 1 entry left out (item 2: is not UTF-8)"},
      {R"({"images":[{"filename":"a.jpg","sentences":[{"raw":"one"},{"raw":null},{"raw":""}]},
          {"sentences":[{"raw":"x"}]}]})",
       "a.jpg|one; 3 entries left out (item 1: a caption is not a text; item 1: a.jpg has an empty "
       "caption; item 2: an image has no \"filename\")"},
  };
  for (const auto& one : cases) EXPECT_THAT(lenient(one.bytes), ::testing::StartsWith(one.read));
}

TEST_F(CaptionFile, WithNothingButWrongLinesIsRefusedWithTheFirst) {
  EXPECT_THAT(
      lenient("a.jpg#0\t\nb.jpg#x\tone\n"),
      HasSubstr("holds no captions; 2 entries left out (line 1: the caption is empty; line 2"));
}

TEST_F(CaptionFile, LinesMayEndInCarriageReturnsAlone) {
  const Read flickr = read("a.jpg#0\tone\ra.jpg#1\ttwo\r\ra.jpg#2\tthree\ra.jpg#3\tfour\r\n");
  const Read csv = read("image,caption\ra.jpg,one\rb.jpg,\"two, three\"\r");
  const Read lines = read("{\"id\":\"a\",\"caption\":\"one\"}\r{\"id\":\"b\",\"caption\":\"two\"}");

  EXPECT_THAT(flickr.lines,
              ElementsAre("a.jpg||one|", "a.jpg||two|", "a.jpg||three|", "a.jpg||four|"));
  EXPECT_THAT(csv.lines, ElementsAre("a.jpg||one|", "b.jpg||two, three|"));
  EXPECT_THAT(lines.lines, ElementsAre("a||one|", "b||two|"));
  const std::string many(1 << 20,
                         'x');  // the CR is the last byte of a block, LF the first of the next
  EXPECT_THAT(read("a.jpg#0\t" + many.substr(9) + "\r\nb.jpg#0\ttwo\r\n").lines, SizeIs(2));
  EXPECT_THAT(read_photo_list(folder_.write("list", "a.jpg\rb.jpg\r")).value(),
              UnorderedElementsAre("a.jpg", "b.jpg"));
}

TEST_F(CaptionFile, ReadsTheBytesOfAUriBack) {
  EXPECT_THAT(read("uri,caption\n/p/100%25.jpg,one\n/p/a%FF.jpg,two\n/p/50%.jpg,three\n").lines,
              ElementsAre("100%.jpg||one|", "a\xff.jpg||two|", "50%.jpg||three|"));
}

TEST_F(CaptionFile, TakesALongLineOverManyBlocks) {
  const std::string caption(3 << 20, 'x');

  EXPECT_THAT(read("a.jpg#0\t" + caption + "\nb.jpg#0\tshort\n").lines,
              ElementsAre("a.jpg||" + caption + "|", "b.jpg||short|"));
}

TEST_F(CaptionFile, StopsAtTheTakersError) {
  const auto facts = read_caption_file(
      folder_.write("captions", kKarpathy),
      [](const FileCaption&) -> Status { return fail(Errc::cancelled, "enough"); });

  EXPECT_EQ(facts.error().message, "enough");
}

TEST_F(CaptionFile, GroupsReferencesByFileName) {
  const auto coco = references(kCoco);

  ASSERT_THAT(coco, SizeIs(2));
  EXPECT_EQ(coco[0].file_name, "COCO_val2014_000000000042.jpg");
  EXPECT_THAT(coco[0].captions, ElementsAre("A cat .", "The cat"));
  EXPECT_THAT(references(kKarpathy), SizeIs(2));
}

TEST_F(CaptionFile, TakesOneSplitOfReferences) {
  const auto test = references(kKarpathy, "test");

  ASSERT_THAT(test, SizeIs(1));
  EXPECT_EQ(test[0].file_name, "b.jpg");
  EXPECT_THAT(refusal(kKarpathy, "dev"), HasSubstr("no split \"dev\"; there are: test, train"));
  EXPECT_THAT(refusal("a.jpg#0\tx\n", "test"), HasSubstr("has no splits"));
  EXPECT_THAT(refusal(R"([{"image_id": 1, "caption": "x"}])"), HasSubstr("holds results"));
}

TEST(PhotoList, ReadsNames) {
  const TempDir folder;

  EXPECT_THAT(read_photo_list(folder.write("a.txt", "a.jpg\r\n\nimages/b c.jpg\n")).value(),
              UnorderedElementsAre("a.jpg", "b c.jpg"));
  EXPECT_EQ(read_photo_list(folder.write("b.txt", "\n")).error().code, Errc::invalid_config);
  EXPECT_EQ(read_photo_list(folder.write("c.txt", "")).error().code, Errc::invalid_config);
  EXPECT_EQ(read_photo_list(folder.write("d.txt", "sub/\n")).error().code, Errc::invalid_config);
  EXPECT_EQ(read_photo_list(folder.file("none.txt")).error().code, Errc::environment);
}

TEST(PhotosOfSplit, TakesAListOrANameOfTheReferences) {
  const TempDir folder;
  const std::string karpathy = folder.write("k.json", kKarpathy);

  EXPECT_THAT(photos_of_split(folder.write("dev.txt", "x.jpg\n"), karpathy).value(),
              UnorderedElementsAre("x.jpg"));
  EXPECT_THAT(photos_of_split("test", karpathy).value(), UnorderedElementsAre("b.jpg"));
  EXPECT_THAT(photos_of_split("dev", karpathy).error().message,
              HasSubstr("there are: test, train (and there is no file dev)"));
  EXPECT_EQ(photos_of_split("test", "").error().code, Errc::usage);
}

TEST_F(CaptionFile, ReadsAWholeFileInFlickr8ksForm) {
  const auto got =
      read_references(PHOTOSCRIBE_SOURCE_DIR "/tests/data/captions/references.token.txt", "", true);

  ASSERT_TRUE(got) << got.error().message;
  ASSERT_THAT(*got, SizeIs(30));
  for (const auto& one : *got) EXPECT_THAT(one.captions, SizeIs(5)) << one.file_name;
  EXPECT_EQ(got->front().file_name, "dog.jpg");
  EXPECT_EQ(got->at(11).captions[0], "A street musician plays the accordion in front of a café .");
  EXPECT_EQ(got->back().captions[4], "Families let paper lanterns go at a festival .");
}

}  // namespace
}  // namespace photoscribe::test
