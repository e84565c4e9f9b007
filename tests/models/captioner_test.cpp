#include "models/captioner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "common/core/model_folder.h"
#include "models/model_store.h"
#include "models/open_model.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;

/// A model of the shipped kind, small: 64 px, random weights.
StoredModel small_model() {
  ModelArchitecture a;
  a.input_side_px = 64;
  a.annotation_size = a.embedding_size = a.hidden_size = 32;
  a.attention_size = 16;
  std::vector<std::string> words;
  for (int i = 0; i < 300; ++i) words.push_back("word" + std::to_string(i));
  return random_model(a, *Vocabulary::make(words), 4);
}

std::vector<DecodedImage> noise(std::size_t count, int side) {
  std::mt19937 random(9);
  std::vector<DecodedImage> images(count);
  for (DecodedImage& image : images) {
    image.width_px = image.height_px = side;
    image.pixels.resize(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3);
    // Coarse blocks: noise of single pixels looks all the same to a network.
    const auto level = static_cast<std::uint8_t>(random());
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      image.pixels[i] = static_cast<std::uint8_t>(i % 8 != 0 ? level : random());
  }
  return images;
}

std::vector<const DecodedImage*> pointers(const std::vector<DecodedImage>& images) {
  std::vector<const DecodedImage*> all;
  for (const DecodedImage& image : images) all.push_back(&image);
  return all;
}

TEST(Captioner, WritesTheSameWordsForAPhotoAloneAndInABatch) {
  auto captioner = make_captioner(small_model(), {.model_folder = "random", .search = {}});
  ASSERT_TRUE(captioner) << captioner.error().message;
  EXPECT_EQ((*captioner)->input_side_px(), 64);
  const auto images = noise(11, 64);
  const auto together = (*captioner)->caption(pointers(images));
  ASSERT_TRUE(together) << together.error().message;
  ASSERT_EQ(together->size(), 11U);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const DecodedImage* const one = &images[i];
    const auto alone = (*captioner)->caption({&one, 1});
    ASSERT_TRUE(alone);
    EXPECT_EQ(alone->front().text, (*together)[i].text);
    EXPECT_NEAR(alone->front().log_prob, (*together)[i].log_prob, 1e-3);
    EXPECT_LT(alone->front().log_prob, 0);
  }
}

TEST(Captioner, AnEmptyBatchHasNoCaptions) {
  auto captioner = make_captioner(small_model(), {.model_folder = "random", .search = {}});
  ASSERT_TRUE(captioner);
  const auto none = (*captioner)->caption({});
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(Captioner, RefusesAnImageOfAnotherSizeAndGoesOn) {
  auto captioner = make_captioner(small_model(), {.model_folder = "random", .search = {}});
  ASSERT_TRUE(captioner);
  const auto wrong = noise(1, 32);
  const auto refused = (*captioner)->caption(pointers(wrong));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::model_failure);
  EXPECT_TRUE((*captioner)->caption(pointers(noise(2, 64))));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need the address space
TEST(Captioner, AFullMachineIsDeviceMemoryAndASmallerBatchPasses) {
  auto captioner = make_captioner(small_model(), {.model_folder = "random", .search = {}});
  ASSERT_TRUE(captioner);
  const auto images = noise(4, 64);
  const std::vector<const DecodedImage*> many(20'000, &images[0]);  // 245 MB of pixels alone
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  statm >> pages;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  const rlimit tight{pages * 4'096 + (64U << 20), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &tight), 0);
  const auto full = (*captioner)->caption(many);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::device_memory) << full.error().message;
  EXPECT_TRUE((*captioner)->caption(pointers(images)));
}
#endif

TEST(Captioner, OpensWhatWasStoredAndRefusesWhatIsBroken) {
  const test::TempDir folder;
  const StoredModel model = small_model();
  ModelToStore to_store;
  to_store.name = "it's: small";
  to_store.architecture = model.folder.architecture;
  ASSERT_TRUE(store_model(folder.file("m"), to_store, model.vocabulary, model.tensors));
  const CaptionerConfig config{.model_folder = folder.file("m"), .search = {}};
  EXPECT_TRUE(open_captioner(config));
  EXPECT_EQ(read_model_folder(folder.file("m"))->name, "it's: small");

  std::filesystem::resize_file(folder.file("m/weights.safetensors"), 5'000);
  const auto cut = open_captioner(config);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Errc::model_failure);
  EXPECT_THAT(cut.error().message, HasSubstr("weights.safetensors"));

  TensorMap fewer = model.tensors;
  fewer.erase("decoder.cell.bias");
  ASSERT_TRUE(store_model(folder.file("m"), to_store, model.vocabulary, fewer));
  const auto lacking = open_captioner(config);
  ASSERT_FALSE(lacking);
  EXPECT_THAT(lacking.error().message, HasSubstr("decoder.cell.bias"));
}

TEST(Captioner, NamesTheDevicesThereAre) {
  const auto refused =
      make_captioner(small_model(), {.model_folder = "random", .device = "cuda:97", .search = {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_config);
  EXPECT_THAT(refused.error().message, HasSubstr("cpu"));
  EXPECT_FALSE(
      make_captioner(small_model(), {.model_folder = "random", .device = "toaster", .search = {}}));
  EXPECT_FALSE(available_devices().empty());
}

}  // namespace
}  // namespace photoscribe
