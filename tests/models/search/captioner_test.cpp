#include "models/captioner.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "common/core/model_folder.h"
#include "models/format/model_store.h"
#include "models/format/safetensors.h"
#include "models/open_model.h"
#include "models/search/caption_network.h"
#include "models/train/features.h"
#include "tests/models/small_model.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;

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

TEST(Captioner, LargeArraysAreStoredInEightBitsAndTheRestInHalfPrecision) {
  const test::TempDir folder;
  const StoredModel model = small_model();
  ModelToStore to_store;
  to_store.architecture = model.folder.architecture;
  ASSERT_TRUE(store_model(folder.file("m"), to_store, model.vocabulary, model.tensors));
  const std::string path = folder.file("m/weights.safetensors");
  {
    const auto file = SafetensorsFile::open(path);
    ASSERT_TRUE(file) << file.error().message;
    const auto& arrays = file->arrays();
    EXPECT_EQ(arrays.at("encoder.features.18.0.weight").type, ElementType::i8);
    EXPECT_EQ(arrays.at("encoder.features.18.0.weight").shape,
              (std::vector<std::int64_t>{1280, 320, 1, 1}));
    EXPECT_EQ(arrays.at("encoder.features.18.0.bias").type, ElementType::f16);
    EXPECT_EQ(arrays.at("encoder.features.17.conv.1.0.weight").type, ElementType::f16)
        << "nine numbers a channel";
    EXPECT_EQ(arrays.at("decoder.word.bias").type, ElementType::f16);
  }
  const auto read = load_tensors(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->contains("encoder.features.18.0.weight.scale"));
  for (const char* name : {"encoder.features.18.0.weight", "encoder.features.15.conv.0.0.weight"}) {
    const torch::Tensor was = model.tensors.at(name), is = read->at(name);
    ASSERT_EQ(is.sizes(), was.sizes());
    const torch::Tensor step = std::get<0>(was.flatten(1).abs().max(1, true)) / 127;
    EXPECT_TRUE(((is - was).flatten(1).abs() <= step * 0.501).all().item<bool>()) << name;
    EXPECT_FALSE(at::equal(is, was)) << name;
  }
  // Stored again, nothing moves any more.
  ASSERT_TRUE(store_model(folder.file("m"), to_store, model.vocabulary, *read));
  const auto again = load_tensors(path);
  ASSERT_TRUE(again);
  for (const auto& [name, tensor] : *read) EXPECT_TRUE(at::equal(tensor, again->at(name))) << name;

  // Integers without their scales are not a table.
  ASSERT_TRUE(save_tensors(path, {{"x", at::ones({2, 3}, torch::kInt8)}}));
  const auto bare = load_tensors(path);
  ASSERT_FALSE(bare);
  EXPECT_THAT(bare.error().message, HasSubstr("array 'x' has no scale"));
}

/// Stores `model` as `folder` and reads it back.
StoredModel stored(const std::string& folder, const StoredModel& model) {
  ModelToStore to_store;
  to_store.architecture = model.folder.architecture;
  EXPECT_TRUE(store_model(folder, to_store, model.vocabulary, model.tensors));
  return *load_model(folder);
}

TEST(Captioner, AnEnsemblesFolderCaptionsWithTheMeanOfItsMembers) {
  const test::TempDir folder;
  const StoredModel first = stored(folder.file("a"), small_model(4)),
                    second = stored(folder.file("b"), small_model(5));
  ASSERT_TRUE(store_ensemble(folder.file("both"), "both", {first, second}));
  const auto images = noise(5, 64);
  const SearchSettings search;
  auto both = open_captioner({.model_folder = folder.file("both"), .search = search});
  auto alone = open_captioner({.model_folder = folder.file("a"), .search = search});
  ASSERT_TRUE(both) << both.error().message;

  const auto together = (*both)->caption(pointers(images)),
             one = (*alone)->caption(pointers(images));

  // The same from the parts, with the mean computed by make_ensemble() of step_network.h.
  const CaptionNetwork network({&first, &second}, torch::kCPU, torch::kFloat32);
  EXPECT_EQ(network.encoders(), 2U);
  std::vector<torch::Tensor> pixels;
  for (const DecodedImage& image : images)
    pixels.push_back(normalise(image, first.folder.architecture).permute({1, 2, 0}));
  const auto expected = network.decode(network.encode(at::stack(pixels).contiguous()), search);
  bool another = false;
  for (std::size_t i = 0; i < images.size(); ++i) {
    EXPECT_EQ(together->at(i).text, first.vocabulary.text(expected[i].tokens));
    EXPECT_NEAR(together->at(i).log_prob, expected[i].log_prob, 1e-3);
    another = another || together->at(i).text != one->at(i).text;
  }
  EXPECT_TRUE(another) << "the second member had no say";
}

TEST(Captioner, MembersWithTheSameEncoderShareIt) {
  StoredModel first = small_model(4), second = small_model(5);
  for (const auto& [name, tensor] : first.tensors)
    if (name.starts_with("encoder.")) second.tensors[name] = tensor.clone();
  const CaptionNetwork shared({&first, &second}, torch::kCPU, torch::kFloat32);
  EXPECT_EQ(shared.encoders(), 1U);
  const torch::Tensor images = at::randn({2, 64, 64, 3});
  const torch::Tensor alone = CaptionNetwork({&first}, torch::kCPU, torch::kFloat32).encode(images);
  EXPECT_TRUE(at::equal(shared.encode(images), at::cat({alone, alone}, 2)));
}

TEST(Captioner, AnEnsembleRefusesMembersThatDoNotFitTogether) {
  const test::TempDir folder;
  StoredModel other = small_model(5);
  other.vocabulary = *Vocabulary::make({"one", "two"});
  other.tensors = random_model(other.folder.architecture, other.vocabulary, 5).tensors;
  ASSERT_TRUE(
      store_ensemble(folder.file("both"), "both",
                     {stored(folder.file("a"), small_model(4)), stored(folder.file("b"), other)}));

  const auto words = open_captioner({.model_folder = folder.file("both"), .search = {}});
  ASSERT_FALSE(words);
  EXPECT_THAT(words.error().message, HasSubstr("another vocabulary"));

  const auto again = store_ensemble(folder.file("both"), "both", {*load_model(folder.file("a"))});
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("there is a model already"));
  const auto nested = store_ensemble(folder.file("c"), "c", {*load_model(folder.file("both"))});
  ASSERT_FALSE(nested);
  EXPECT_THAT(nested.error().message, HasSubstr("is an ensemble itself"));
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
