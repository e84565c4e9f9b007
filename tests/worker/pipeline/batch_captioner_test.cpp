#include "worker/pipeline/batch_captioner.h"

#include <gmock/gmock.h>

#include <cmath>

#include "common/core/wire.h"
#include "tests/worker/pipeline/fake_captioner.h"

namespace photoscribe {
namespace {

using testing::Each;
using testing::Le;

std::vector<DecodedImage> images(const std::vector<int>& values) {
  std::vector<DecodedImage> made;
  for (const int value : values) {
    DecodedImage image{8, 8, 3, {}};
    image.pixels.assign(8 * 8 * 3, static_cast<std::uint8_t>(value));
    made.push_back(std::move(image));
  }
  return made;
}

std::vector<const DecodedImage*> views(const std::vector<DecodedImage>& of) {
  std::vector<const DecodedImage*> pointers;
  for (const auto& image : of) pointers.push_back(&image);
  return pointers;
}

std::vector<std::string> texts(const std::vector<CaptionOutcome>& outcomes) {
  std::vector<std::string> all;
  for (const auto& outcome : outcomes) {
    const auto* failed = std::get_if<Failed>(&outcome);
    all.push_back(failed != nullptr ? "!" + std::string(to_string(failed->reason))
                                    : std::get<Caption>(outcome).text);
  }
  return all;
}

TEST(BatchCaptioner, CaptionsABatchInOneCallAndInOrder) {
  FakeDevice device;
  FakeCaptioner fake(device);
  BatchCaptioner captioner(fake, 8);
  const auto photos = images({3, 1, 2});

  const auto outcomes = captioner.caption(views(photos));

  ASSERT_TRUE(outcomes);
  EXPECT_THAT(texts(*outcomes), testing::ElementsAre("value 3", "value 1", "value 2"));
  EXPECT_EQ(device.calls, 1);
}

class Telling : public Captioner {
 public:
  Expected<std::vector<Caption>> caption(std::span<const DecodedImage* const> images) override {
    std::vector<Caption> captions;
    for (std::size_t i = 0; i < images.size(); ++i) {
      Caption& one = captions.emplace_back(Caption{"a dog", -2, 2});
      one.evidence = CaptionEvidence{-1, 1, 1, 0, i == 0 ? 0.5 : NAN};
      one.concepts.assign(kConceptsMax + 4, Concept{"dog", 0.5F});
      one.concepts[1].probability = NAN;
      one.concepts[2].word = "";
    }
    return captions;
  }
  int input_side_px() const override { return 8; }
};

TEST(BatchCaptioner, LeavesOutEvidenceAndConceptsThatCannotBePacked) {
  Telling telling;
  BatchCaptioner captioner(telling, 8);
  const auto photos = images({1, 2});

  const auto outcomes = captioner.caption(views(photos));

  ASSERT_TRUE(outcomes);
  EXPECT_TRUE(std::get<Caption>((*outcomes)[0]).evidence);
  EXPECT_FALSE(std::get<Caption>((*outcomes)[1]).evidence);
  ResultBatch batch{"w", {}};
  for (const CaptionOutcome& outcome : *outcomes) {
    Result& result = batch.results.emplace_back();
    result.outcome = Captioned{std::get<Caption>(outcome)};
    result.blur_scores.emplace();
  }
  EXPECT_TRUE(decode_results(encode_results(batch)));
}

TEST(BatchCaptioner, BlamesOnlyTheImagesThatFailAlone) {
  FakeDevice device;
  FakeCaptioner fake(device);
  BatchCaptioner captioner(fake, 8);
  const auto photos = images({1, 2, kPoisonPixel, 4, 5, 6, kPoisonPixel});

  const auto outcomes = captioner.caption(views(photos));

  ASSERT_TRUE(outcomes);
  EXPECT_THAT(texts(*outcomes),
              testing::ElementsAre("value 1", "value 2", "!model_failure", "value 4", "value 5",
                                   "value 6", "!model_failure"));
  EXPECT_EQ(captioner.batch_now(), 8U);
}

TEST(BatchCaptioner, TakesNoCaptionWhoseProbabilityIsNotANumber) {
  FakeDevice device;
  FakeCaptioner fake(device);
  BatchCaptioner captioner(fake, 8);
  const auto photos = images({1, kOverflowPixel, 3});

  const auto outcomes = captioner.caption(views(photos));

  ASSERT_TRUE(outcomes);
  EXPECT_THAT(texts(*outcomes), testing::ElementsAre("value 1", "!model_failure", "value 3"));
}

TEST(BatchCaptioner, HalvesTheBatchWhenTheDeviceIsFullAndRemembers) {
  FakeDevice device;
  device.memory_images = 3;
  FakeCaptioner fake(device);
  BatchCaptioner captioner(fake, 16);
  const auto photos = images({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});

  const auto first = captioner.caption(views(photos));
  const int calls_while_learning = device.calls;
  const auto second = captioner.caption(views(photos));

  ASSERT_TRUE(first && second);
  EXPECT_EQ(texts(*first), texts(*second));
  EXPECT_THAT(texts(*second), testing::Contains("value 12"));
  EXPECT_EQ(captioner.batch_now(), 3U);
  EXPECT_EQ(device.calls - calls_while_learning, 4) << "twelve images in batches of three";
}

TEST(BatchCaptioner, FailsAnImageThatDoesNotFitAlone) {
  FakeDevice device;
  FakeCaptioner fake(device);
  // Only the grey image of the probe (128) fits.
  struct OnlyGrey : FakeCaptioner {
    using FakeCaptioner::FakeCaptioner;
    Expected<std::vector<Caption>> caption(std::span<const DecodedImage* const> batch) override {
      if (batch.size() == 1 && batch[0]->pixels[0] == 128) return FakeCaptioner::caption(batch);
      return fail(Errc::device_memory, "fake: no memory");
    }
  } only_grey(device);
  BatchCaptioner captioner(only_grey, 4);
  const auto photos = images({1, 2});

  const auto outcomes = captioner.caption(views(photos));

  ASSERT_TRUE(outcomes);
  EXPECT_THAT(texts(*outcomes), testing::ElementsAre("!device_memory", "!device_memory"));
}

TEST(BatchCaptioner, BlamesNoPhotoForALostDevice) {
  FakeDevice device;
  device.lost = true;
  FakeCaptioner fake(device);
  BatchCaptioner captioner(fake, 4);
  const auto photos = images({1, 2, 3});

  const auto outcomes = captioner.caption(views(photos));

  ASSERT_FALSE(outcomes);
  EXPECT_THAT(outcomes.error().message, testing::HasSubstr("grey"));
}

TEST(BatchCaptioner, TakesAnEmptyBatch) {
  FakeDevice device;
  FakeCaptioner fake(device);
  BatchCaptioner captioner(fake, 4);

  const auto outcomes = captioner.caption({});

  ASSERT_TRUE(outcomes);
  EXPECT_TRUE(outcomes->empty());
}

}  // namespace
}  // namespace photoscribe
