// photoscribe score, run as a person would run it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/ops/cli/program.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kMadeCaptions = PHOTOSCRIBE_SOURCE_DIR "/tests/data/captions/";

double largest_difference(const json& ours, const json& theirs) {
  double largest = 0;
  const auto add = [&](const json& x, const json& y) {
    largest = std::max(largest, std::abs(x.get<double>() - y.get<double>()));
  };
  for (std::size_t n = 0; n < 4; ++n) add(ours["bleu"][n], theirs["bleu"][n]);
  for (const char* name : {"rouge_l", "cider_d"}) add(ours[name], theirs[name]);
  return largest;
}

class Score : public testing::Test {
 protected:
  ChildOutput score(std::vector<std::string> words) {
    words.insert(words.begin(), "score");
    return photoscribe(words);
  }
  std::string hypotheses(const std::string& bytes) { return folder_.write("h", bytes); }
  std::string references(const std::string& bytes) { return folder_.write("r", bytes); }
  test::TempDir folder_;
};

constexpr const char* kHypotheses =
    "{\"id\":\"a.jpg\",\"caption\":\"A dog runs on the grass.\"}\n"
    "{\"id\":\"b.jpg\",\"caption\":\"Two cats\"}\n";
constexpr const char* kReferences =
    "a.jpg#0\tA dog runs on the grass .\na.jpg#1\tA dog .\nb.jpg#0\tTwo cats sleep .\n"
    "b.jpg#1\tThree cats sleep in a box .\n";

TEST_F(Score, PrintsScoresOfAHundredWithTheirSignature) {
  const ChildOutput out =
      score({"--hypotheses", hypotheses(kHypotheses), "--references", references(kReferences)});

  ASSERT_EQ(out.exit_status, 0) << out.err;
  // 8 of 8 words; the closest references have 6 and 3 tokens: exp(1 - 9/8).
  EXPECT_THAT(out.out, AllOf(HasSubstr("2 photos, 4 references"), HasSubstr("BLEU-1   88.25"),
                             HasSubstr("|photos:2|refs:2|tok:ptb|len:closest|bleu:coco|"
                                       "rouge:l,beta1.2|cider:d,sigma6,df:self")));
}

TEST_F(Score, WritesJsonWithItemsAndIntervals) {
  const ChildOutput out =
      score({"--hypotheses", hypotheses(kHypotheses), "--references", references(kReferences),
             "--json", "--per-item", "--bootstrap", "50"});

  ASSERT_EQ(out.exit_status, 0) << out.err;
  const json got = json::parse(out.out);
  EXPECT_NEAR(got["corpus"]["bleu"][0].get<double>(), std::exp(-1.0 / 8), 1e-8);
  EXPECT_EQ(got["corpus"]["intervals"]["resamples"], 50);
  ASSERT_EQ(got["items"].size(), 2U);
  EXPECT_EQ(got["items"][1]["id"], "b.jpg");
  EXPECT_NEAR(got["items"][0]["rouge_l"].get<double>(), 1, 1e-12);
  EXPECT_NEAR(got["items"][0]["cider_d"].get<double>() + got["items"][1]["cider_d"].get<double>(),
              2 * got["corpus"]["cider_d"].get<double>(), 1e-12);
  EXPECT_THAT(got["signature"].get<std::string>(), HasSubstr("|bootstrap:50,seed:12345"));
}

TEST_F(Score, SaysTheSameForAnyNumberOfThreads) {
  std::string mine, theirs;
  for (int i = 0; i < 9'000; ++i) {
    const std::string name = "p" + std::to_string(i) + ".jpg", word = std::to_string(i * 7919 % 97);
    mine += json{{"id", name}, {"caption", "a dog's ball " + word + " on the grass"}}.dump() + "\n";
    for (const char* end : {"#0\tA dog with ball ", "#1\tThe man can't see "})
      theirs += name + end + word + " , on grass .\n";
  }
  const std::string h = hypotheses(mine), r = references(theirs);
  json expected;
  for (const char* threads : {"1", "2", "5"}) {
    const ChildOutput out = score({"--hypotheses", h, "--references", r, "--threads", threads,
                                   "--bootstrap", "20", "--chair", "--json"});
    ASSERT_EQ(out.exit_status, 0) << out.err;
    json got = json::parse(out.out);
    for (const char* measured : {"seconds", "stage_seconds", "peak_memory_bytes"})
      got.erase(measured);
    if (expected.is_null()) expected = got;
    EXPECT_TRUE(got == expected) << threads << " threads";
  }
}

TEST_F(Score, EqualsCocoCaptionOnEveryItemAndTheCorpus) {
  const json cases = json::parse(std::ifstream(kMadeCaptions + "cases.json"));
  std::string hypotheses_text, references_text;
  for (std::size_t i = 0; i < cases["items"].size(); ++i) {
    const json& item = cases["items"][i];
    const std::string id = std::to_string(i);
    hypotheses_text += json{{"id", id}, {"caption", item["hypothesis"]}}.dump() + "\n";
    references_text += json{{"id", id}, {"captions", item["references"]}}.dump() + "\n";
  }

  const ChildOutput out =
      score({"--hypotheses", hypotheses(hypotheses_text), "--references",
             references(references_text), "--tokenizer", "none", "--json", "--per-item"});

  ASSERT_EQ(out.exit_status, 0) << out.err;
  const json got = json::parse(out.out);
  ASSERT_EQ(got["items"].size(), cases["items"].size());
  for (std::size_t i = 0; i < cases["items"].size(); ++i)
    EXPECT_LT(largest_difference(got["items"][i], cases["items"][i]), 1e-9)
        << cases["items"][i]["id"];
  EXPECT_LT(largest_difference(got["corpus"], cases["corpus"]), 1e-9);
}

TEST_F(Score, EqualsCocoCaptionOnCaptionsAsPeopleWriteThem) {
  // The first 30 items are these files, tokenised; what all items share are BLEU and ROUGE-L of
  // each (CIDEr-D weighs by the corpus).
  const json cases = json::parse(std::ifstream(kMadeCaptions + "cases.json"));

  const ChildOutput out =
      score({"--hypotheses", kMadeCaptions + "hypotheses.jsonl", "--references",
             kMadeCaptions + "references.token.txt", "--strict", "--json", "--per-item"});

  ASSERT_EQ(out.exit_status, 0) << out.err;
  const json items = json::parse(out.out)["items"];
  ASSERT_EQ(items.size(), 30U);
  for (std::size_t i = 0; i < items.size(); ++i) {
    json expected = cases["items"][i];
    ASSERT_EQ(items[i]["id"], expected["id"]);
    expected["cider_d"] = items[i]["cider_d"];
    EXPECT_LT(largest_difference(items[i], expected), 1e-9) << items[i]["id"];
  }
}

TEST_F(Score, RefusesPhotosThatDoNotPairUnlessAllowed) {
  const std::string three = std::string(kHypotheses) + "{\"id\":\"c.jpg\",\"caption\":\"x\"}\n";
  const std::string more = std::string(kReferences) + "d.jpg#0\tA bird .\n";

  const ChildOutput unreferenced =
      score({"--hypotheses", hypotheses(three), "--references", references(kReferences)});
  const ChildOutput uncaptioned =
      score({"--hypotheses", hypotheses(kHypotheses), "--references", references(more)});
  const ChildOutput allowed = score({"--hypotheses", hypotheses(three), "--references",
                                     references(more), "--allow-missing", "--json"});

  EXPECT_EQ(unreferenced.exit_status, 2);
  EXPECT_THAT(unreferenced.err,
              AllOf(HasSubstr("1 photo (c.jpg) without references"), HasSubstr("--allow-missing")));
  EXPECT_EQ(uncaptioned.exit_status, 2);
  EXPECT_THAT(uncaptioned.err,
              AllOf(HasSubstr("1 photo (d.jpg) without a caption"), HasSubstr("--split LIST")));
  ASSERT_EQ(allowed.exit_status, 0) << allowed.err;
  const json left_out = json::parse(allowed.out)["left_out"];
  EXPECT_EQ(left_out["without_references"], 1);
  EXPECT_EQ(left_out["without_hypothesis"], 1);
}

TEST_F(Score, TakesASplitByListAndByName) {
  const std::string karpathy = R"({"images":[
    {"filename":"a.jpg","split":"test","sentences":[{"raw":"A dog runs on the grass ."}]},
    {"filename":"b.jpg","split":"train","sentences":[{"raw":"Two cats sleep ."}]}],
    "dataset":"flickr8k"})";
  const ChildOutput by_list =
      score({"--hypotheses", hypotheses(kHypotheses), "--references", references(kReferences),
             "--split", folder_.write("dev.txt", "b.jpg\n")});
  const ChildOutput by_name = score({"--hypotheses", hypotheses(kHypotheses), "--references",
                                     references(karpathy), "--split", "test"});

  EXPECT_THAT(by_list.out, AllOf(HasSubstr("1 photo, 2 references"), HasSubstr("|split:dev.txt"),
                                 HasSubstr("1 photo outside the split")));
  EXPECT_THAT(by_name.out, AllOf(HasSubstr("1 photo, 1 reference;"), HasSubstr("|split:test")));
}

TEST_F(Score, MatchesCocoNumbersToFileNames) {
  const std::string coco = R"({"images":[{"id":42,"file_name":"x_42.jpg"}],
                               "annotations":[{"image_id":42,"caption":"A cat"}]})";
  const std::string by_number = folder_.write("n", R"([{"image_id":42,"caption":"a cat"}])");
  const std::string by_name = folder_.write("f", "id,caption\nx_42.jpg,a cat\n");

  for (const std::string& file : {by_number, by_name}) {
    const ChildOutput out = score({"--hypotheses", file, "--references", references(coco)});
    EXPECT_THAT(out.out, HasSubstr("1 photo, 1 reference")) << out.err;
  }
}

TEST_F(Score, KeepsDocumentFrequenciesForFewPhotos) {
  const std::string table = folder_.file("table.df");
  const ChildOutput whole =
      score({"--hypotheses", hypotheses(kHypotheses), "--references", references(kReferences),
             "--save-df", table, "--json", "--per-item"});
  const std::string one =
      folder_.write("one", "a.jpg#0\tA dog runs on the grass .\na.jpg#1\tA dog .\n");
  const ChildOutput alone = score(
      {"--hypotheses", hypotheses(kHypotheses), "--references", one, "--allow-missing", "--json"});
  const ChildOutput weighed = score({"--hypotheses", hypotheses(kHypotheses), "--references", one,
                                     "--allow-missing", "--json", "--df", table});

  ASSERT_EQ(weighed.exit_status, 0) << weighed.err;
  EXPECT_EQ(json::parse(alone.out)["corpus"]["cider_d"], 0.0);
  EXPECT_EQ(json::parse(weighed.out)["corpus"]["cider_d"],
            json::parse(whole.out)["items"][0]["cider_d"]);
  EXPECT_THAT(weighed.out, HasSubstr("df:table(2)"));
}

TEST_F(Score, SaysWhatIsWrongAndWhere) {
  const std::string good = references(kReferences);
  const struct {
    std::string bytes;
    const char* why;
  } cases[] = {
      {"", "is empty"},
      {"{\"id\":\"a.jpg\",\"caption\":\"x\"}\n{\"id\":\"a.jpg\",\"caption\":\"y\"}\n",
       "line 2: a.jpg has a second caption"},
      {"{\"id\":\"a.jpg\",\"caption\":\"x\"\n", "line 1: not JSON"},
      {"{\"id\":\"z.jpg\",\"caption\":\"x\"}\n", "names must match in both"},
  };
  for (const auto& one : cases) {
    const ChildOutput out = score({"--hypotheses", hypotheses(one.bytes), "--references", good});
    EXPECT_EQ(out.exit_status, 2) << one.bytes;
    EXPECT_THAT(out.err, HasSubstr(one.why));
  }
  EXPECT_EQ(score({"--hypotheses", folder_.file("none"), "--references", good}).exit_status, 3);
  EXPECT_EQ(score({"--hypotheses", good}).exit_status, 2);
  EXPECT_THAT(score({"--help"}).out,
              AllOf(HasSubstr("Usage: photoscribe score"), HasSubstr("--df")));
}

TEST_F(Score, AMalformedReferenceLineIsSkippedWithANoteOrRefusedWithStrict) {
  const std::string broken = references(
      "image_name| comment_number| comment\na.jpg| 0| A dog runs .\n"
      "a.jpg| 4   A dog runs across the grass .\nb.jpg| 0| Two cats .\n");
  const std::vector<std::string> words{"--hypotheses", hypotheses(kHypotheses), "--references",
                                       broken};
  std::vector<std::string> strict = words, as_json = words;
  strict.emplace_back("--strict");
  as_json.emplace_back("--json");

  const ChildOutput lenient = score(words);

  EXPECT_EQ(lenient.exit_status, 0) << lenient.err;
  EXPECT_THAT(lenient.err, HasSubstr("1 entry left out (line 3: 2 fields, the heading names 3); "
                                     "--strict refuses such a file"));
  EXPECT_EQ(json::parse(score(as_json).out)["left_out"]["wrong_references"], 1);
  EXPECT_EQ(score(strict).exit_status, 2);
  EXPECT_THAT(score(strict).err, HasSubstr("line 3: 2 fields"));
}

TEST_F(Score, ReportsObjectsThatNoReferenceNames) {
  const std::string captioned =
      "{\"id\":\"a.jpg\",\"caption\":\"A dog with a frisbee\"}\n"
      "{\"id\":\"b.jpg\",\"caption\":\"Two kittens\"}\n";
  const std::string described =
      "a.jpg#0\tA dog runs on the grass .\na.jpg#1\tA dog .\na.jpg#2\tA puppy\n"
      "b.jpg#0\tTwo cats sleep .\nb.jpg#1\tCats in a box .\nb.jpg#2\tCats in boxes\n"
      "b.jpg#3\tA box\n";
  const std::vector<std::string> words{"--hypotheses", hypotheses(captioned), "--references",
                                       references(described), "--chair"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    return score(more);
  };

  const ChildOutput text = with({"--bleu-only"});
  const ChildOutput items = with({"--per-item"});
  const ChildOutput out = with({"--json", "--per-item", "--bootstrap", "50"});

  ASSERT_EQ(text.exit_status, 0) << text.err;
  EXPECT_THAT(
      text.out,
      AllOf(HasSubstr("CHAIRs   50.00"), HasSubstr("CHAIRi   33.33"), HasSubstr("recall   66.67"),
            HasSubstr("1 caption of 2 with an object"), HasSubstr("|bleu:coco|chair:")));
  EXPECT_THAT(items.out, HasSubstr("\tdog, frisbee\tfrisbee\tdog\tdog\n"));
  EXPECT_THAT(items.out, HasSubstr("\tcat\t\tcat\tcat, box\n"));
  ASSERT_EQ(out.exit_status, 0) << out.err;
  const json got = json::parse(out.out);
  EXPECT_EQ(got["corpus"]["chair"]["chair_s"], 0.5);
  EXPECT_EQ(got["corpus"]["chair"]["main"], 3);
  EXPECT_EQ(got["corpus"]["chair"]["intervals"]["chair_s"], (json{0.0, 1.0}));
  EXPECT_EQ(got["items"][0]["chair"]["hallucinated"], json{"frisbee"});
  EXPECT_EQ(got["items"][1]["chair"]["main"], (json{"cat", "box"}));
}

TEST_F(Score, TakesACustomListOfObjects) {
  const std::string list = folder_.write("objects", "mammal, dog, cat\n");
  const std::vector<std::string> files{"--hypotheses", hypotheses(kHypotheses), "--references",
                                       references(kReferences)};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), files.begin(), files.end());
    return score(more);
  };

  const ChildOutput own = with({"--chair", "--chair-objects", list, "--json"});
  const ChildOutput plain = with({"--chair", "--json"});
  const ChildOutput none = with({"--json"});
  const ChildOutput bad = with({"--chair", "--chair-objects", folder_.write("bad", "cat\n[C]\n")});
  const ChildOutput alone = with({"--chair-objects", list});

  ASSERT_EQ(own.exit_status, 0) << own.err;
  EXPECT_EQ(json::parse(own.out)["corpus"]["chair"]["named"], 2);
  EXPECT_TRUE(json::parse(own.out)["corpus"]["chair"]["recall"].is_null());
  EXPECT_EQ(json::parse(plain.out)["corpus"]["chair"]["named"], 3);  // the grass, too
  EXPECT_NE(json::parse(own.out)["signature"], json::parse(plain.out)["signature"]);
  EXPECT_TRUE(json::parse(none.out)["corpus"]["chair"].is_null());
  EXPECT_THAT(none.out, Not(HasSubstr("|chair:")));
  EXPECT_EQ(bad.exit_status, 2);
  EXPECT_THAT(bad.err, HasSubstr("line 2: no heading [C]"));
  EXPECT_EQ(alone.exit_status, 2);
  EXPECT_THAT(alone.err, HasSubstr("--chair"));
}

TEST_F(Score, ScoresAsOtherToolsDo) {
  const ChildOutput sacre = score({"--hypotheses", hypotheses(kHypotheses), "--references",
                                   references(kReferences), "--bleu", "sacrebleu"});
  const ChildOutput nltk =
      score({"--hypotheses", hypotheses(kHypotheses), "--references", references(kReferences),
             "--bleu", "nltk3", "--tokenizer", "none", "--per-item"});

  EXPECT_THAT(sacre.out, HasSubstr("|tok:13a|len:closest|bleu:sacrebleu|"));
  EXPECT_THAT(nltk.out, AllOf(HasSubstr("photo\tbleu1"), Not(HasSubstr("signature"))));
  EXPECT_THAT(nltk.err, HasSubstr("|tok:none|len:closest|bleu:nltk3|"));
}

}  // namespace
}  // namespace photoscribe::cli
