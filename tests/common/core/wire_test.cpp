#include "common/core/wire.h"

#include <gtest/gtest.h>

#include <limits>

namespace photoscribe {
namespace {

ResultBatch every_kind() {
  Result captioned;
  captioned.image_id = 1;
  captioned.outcome = Captioned{Caption{"a dog runs \xff",
                                        -7.5,
                                        3,
                                        CaptionEvidence{-3.25, 0.75, 0.5, 0.125, 2.5},
                                        {{"dog", 0.96875F}, {"stop sign", 0.25F}}}};
  captioned.blur_scores = BlurScores{{812.25, 3, 1'000.5, 4}};
  captioned.width_px = 500;
  captioned.height_px = 375;
  captioned.times = {120, 4'000'000'000U, 9};
  captioned.finished_unix_ms = 1'795'000'000'000;
  Result blurred;
  blurred.image_id = std::numeric_limits<std::int64_t>::max();
  blurred.attempt = std::numeric_limits<std::int32_t>::max();
  blurred.outcome = Blurred{};
  blurred.blur_scores = BlurScores{};
  Result failed;
  failed.image_id = 3;
  failed.outcome = Failed{Reason::crashed_worker, std::string("nul \0 inside", 12)};
  Result rejected;
  rejected.image_id = 4;
  rejected.outcome = Failed{Reason::model_failure, ""};
  rejected.blur_scores = BlurScores{{99.5, 98, 97, 96}};
  captioned.content_hash = sha256_of("abc", 3);
  captioned.copied_from = CopiedFrom{77, 64};
  blurred.content_hash = sha256_of("", 0);
  blurred.preview = true;
  blurred.copied_from = CopiedFrom{78, std::nullopt};
  rejected.content_hash = sha256_of("x", 1);
  return ResultBatch{"host-12-abcdef", {captioned, blurred, failed, rejected}};
}

TEST(Wire, GivesBackWhatWasPacked) {
  const std::string bytes = encode_results(every_kind());

  const Expected<ResultBatch> got = decode_results(bytes);

  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(encode_results(*got), bytes);
  ASSERT_EQ(got->results.size(), 4U);
  EXPECT_EQ(got->worker, "host-12-abcdef");
  const auto& done = std::get<Captioned>(got->results[0].outcome);
  EXPECT_EQ(done.caption.text, "a dog runs \xff");
  EXPECT_EQ(done.caption.log_prob, -7.5);
  EXPECT_EQ(done.caption.evidence, (CaptionEvidence{-3.25, 0.75, 0.5, 0.125, 2.5}));
  EXPECT_EQ(done.caption.concepts, (std::vector<Concept>{{"dog", 0.96875F}, {"stop sign", 0.25F}}));
  EXPECT_EQ(got->results[0].times.decode_us, 4'000'000'000U);
  EXPECT_EQ(got->results[1].image_id, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(std::get<Failed>(got->results[2].outcome).detail.size(), 12U);
  EXPECT_FALSE(got->results[2].blur_scores);
  EXPECT_FALSE(got->results[2].content_hash);
  for (const std::size_t i : {0U, 1U, 2U, 3U}) {
    EXPECT_EQ(got->results[i].content_hash, every_kind().results[i].content_hash);
    EXPECT_EQ(got->results[i].copied_from, every_kind().results[i].copied_from);
    EXPECT_EQ(got->results[i].preview, every_kind().results[i].preview);
  }
  for (const std::size_t scored : {0U, 1U, 3U})
    EXPECT_EQ(got->results[scored].blur_scores, every_kind().results[scored].blur_scores);
}

TEST(Wire, RefusesEveryShorterPrefixAndATrailingByte) {
  const std::string bytes = encode_results(every_kind());

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_results(std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_results(bytes + '\0'));
}

TEST(Wire, EitherRefusesAChangedByteOrGivesTheSameBytesBack) {
  const std::string bytes = encode_results(every_kind());

  int refused = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      const Expected<ResultBatch> got = decode_results(changed);
      if (got) {
        EXPECT_EQ(encode_results(*got), changed) << at;
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(Wire, RefusesACopyThatMakesNoSense) {
  ResultBatch batch = every_kind();
  batch.results[2].copied_from = CopiedFrom{1, std::nullopt};  // of a failed photo
  EXPECT_FALSE(decode_results(encode_results(batch)));
  batch = every_kind();
  batch.results[0].copied_from->hash_distance = 65;  // of 64 bits
  EXPECT_FALSE(decode_results(encode_results(batch)));
  EXPECT_EQ(salvage_results(encode_results(batch)).broken.size(), 1U);
}

TEST(Wire, RefusesResultsOfTheFormatBefore) {
  std::string bytes = encode_results(every_kind());
  bytes[0] = 3;

  const Expected<ResultBatch> got = decode_results(bytes);

  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "results: not of format 4");
  EXPECT_TRUE(salvage_results(bytes).batch.results.empty());
}

TEST(Wire, RefusesEvidenceAndConceptsThatMakeNoSense) {
  const auto changed = [](auto change) {
    ResultBatch batch = every_kind();
    change(std::get<Captioned>(batch.results[0].outcome).caption);
    return encode_results(batch);
  };
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  for (const std::string& bytes :
       {changed([](Caption& c) { c.evidence->novelty = kNaN; }),
        changed([](Caption& c) { c.concepts[0].probability = static_cast<float>(kNaN); }),
        changed([](Caption& c) {
          c.concepts.resize(kConceptsMax + 1, {"dog", 0.5F});
        }),
        changed([](Caption& c) { c.concepts[0].word = ""; }),
        changed([](Caption& c) { c.concepts[0].word.assign(kConceptBytesMax + 1, 'x'); })}) {
    EXPECT_FALSE(decode_results(bytes));
  }
  EXPECT_TRUE(decode_results(changed([](Caption& c) {
    c.concepts.resize(kConceptsMax, {"dog", 0.5F});
  })));
  EXPECT_TRUE(decode_results(changed([](Caption& c) { c.evidence.reset(); })));
}

// A caption without them is packed as it was before there were any.
TEST(Wire, CarriesAlternativesAndAttentionWhereThereAreAny) {
  ResultBatch batch = every_kind();
  auto& caption = std::get<Captioned>(batch.results[0].outcome).caption;
  const std::string before = encode_results(batch);
  caption.tokens = 2;
  caption.alternatives = {{"a dog", -8.5, 2}, {"", -9, 0}};
  caption.attention = AttentionMaps{2, 1, {0, 255, 255, 7}};
  const auto packed = [&batch] { return encode_results(batch); };

  const auto got = decode_results(packed());
  ASSERT_TRUE(got) << got.error().message;
  const Caption& back = std::get<Captioned>(got->results[0].outcome).caption;
  EXPECT_EQ(back.alternatives, caption.alternatives);
  EXPECT_EQ(back.attention, caption.attention);
  EXPECT_EQ(back.concepts, caption.concepts);
  EXPECT_EQ(packed().size(), before.size() + 1 + (1 + 5 + 8 + 1) + (1 + 8 + 1) + 2 + 5);

  caption.attention->cells.pop_back();
  EXPECT_FALSE(decode_results(packed())) << "not a map for each word";
  caption.attention.reset();
  caption.alternatives.resize(kAlternativesMax + 1);
  EXPECT_FALSE(decode_results(packed()));
  caption.alternatives.resize(1);
  caption.alternatives[0].text.assign(kAlternativeBytesMax + 1, 'x');
  EXPECT_FALSE(decode_results(packed()));
  EXPECT_EQ(salvage_results(packed()).broken.size(), 1U) << "the others are had";
}

TEST(Wire, DoesNotTrustACountOrLength) {
  std::string huge_count{"\x04\x00\xff\xff\xff\xff\x0f", 7};
  std::string huge_text{"\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11};

  EXPECT_FALSE(decode_results(huge_count));
  EXPECT_FALSE(decode_results(huge_text));
}

TEST(Wire, SalvagesTheItemsAroundOneThatCannotBe) {
  ResultBatch batch = every_kind();
  std::get<Captioned>(batch.results[0].outcome).caption.log_prob =
      std::numeric_limits<double>::quiet_NaN();
  const std::string bytes = encode_results(batch);
  ASSERT_FALSE(decode_results(bytes));

  const SalvagedResults got = salvage_results(bytes);

  EXPECT_EQ(got.batch.worker, "host-12-abcdef");
  ASSERT_EQ(got.batch.results.size(), 3U);
  EXPECT_EQ(got.batch.results[0].image_id, batch.results[1].image_id);
  EXPECT_EQ(got.batch.results[2].blur_scores, batch.results[3].blur_scores);
  ASSERT_EQ(got.broken.size(), 1U);
  EXPECT_EQ(got.broken[0].image_id, 1);
  EXPECT_EQ(got.broken[0].attempt, 1);
}

TEST(Wire, SalvagesWholeItemsInFrontOfACut) {
  const ResultBatch batch = every_kind();
  const std::string bytes = encode_results(batch);

  std::size_t most = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const SalvagedResults got = salvage_results(std::string_view(bytes).substr(0, size));
    EXPECT_LE(got.broken.size(), 1U);
    ASSERT_GE(got.batch.results.size(), most) << size;
    most = got.batch.results.size();
    for (std::size_t i = 0; i < most; ++i) {
      EXPECT_EQ(got.batch.results[i].image_id, batch.results[i].image_id);
    }
  }
  EXPECT_EQ(most, 3U);
}

TEST(Wire, SalvagesNothingFromNoise) {
  EXPECT_TRUE(salvage_results("").batch.results.empty());
  EXPECT_TRUE(salvage_results("\xff not a batch").batch.results.empty());
  EXPECT_TRUE(salvage_results(std::string("\x02\x00\xff\xff\xff\xff\x0f", 7)).broken.empty());
}

TEST(Reason, NamesEveryReasonOnce) {
  for (int i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_EQ(reason_from_string(to_string(reason)), reason);
  }
  EXPECT_FALSE(reason_from_string("bored"));
}

}  // namespace
}  // namespace photoscribe
