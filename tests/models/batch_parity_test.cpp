// The model that ships, on real photos: the same words for a photo alone and in a batch.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/core/model_folder.h"
#include "common/image/photo.h"
#include "models/captioner.h"

namespace photoscribe {
namespace {

constexpr std::size_t kPhotos = 200;
const std::string kSource = PHOTOSCRIBE_SOURCE_DIR;

std::vector<DecodedImage> photos(int side) {
  std::vector<std::string> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(kSource + "/../shared/data/flickr8k/images")) {
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<DecodedImage> images;
  for (std::size_t i = 0; i < paths.size() && images.size() < kPhotos; ++i) {
    std::ifstream file(paths[i], std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
    if (auto image = decode_for_network(bytes, side, DecodeLimits{}))
      images.push_back(std::move(*image));
  }
  return images;
}

TEST(BatchParity, WordsOf200PhotosDoNotDependOnTheirBatch) {
  const std::string folder = kSource + "/models/fast";
  if (!std::filesystem::exists(kSource + "/../shared/data/flickr8k/images"))
    GTEST_SKIP() << "no test photos beside the source tree";
  if (!std::filesystem::exists(folder + "/model.yaml")) GTEST_SKIP() << "no model at " << folder;
  const auto model = read_model_folder(folder);
  ASSERT_TRUE(model) << model.error().message;
  CaptionerConfig config;
  config.model_folder = folder;
  config.search = model->search;
  auto captioner = open_captioner(config);
  ASSERT_TRUE(captioner) << captioner.error().message;

  const auto images = photos((*captioner)->input_side_px());
  ASSERT_EQ(images.size(), kPhotos);
  std::vector<Caption> alone;
  for (const DecodedImage& image : images) {
    const DecodedImage* const one = &image;
    const auto made = (*captioner)->caption({&one, 1});
    ASSERT_TRUE(made) << made.error().message;
    alone.push_back(made->front());
  }
  std::size_t other_words = 0, unexplained = 0;
  double apart = 0;
  for (const std::size_t size : {7U, 32U}) {
    for (std::size_t first = 0; first < kPhotos; first += size) {
      std::vector<const DecodedImage*> batch;
      for (std::size_t i = first; i < std::min(kPhotos, first + size); ++i)
        batch.push_back(&images[i]);
      const auto made = (*captioner)->caption(batch);
      ASSERT_TRUE(made) << made.error().message;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const Caption &here = (*made)[i], &there = alone[first + i];
        const double difference = std::abs(here.log_prob - there.log_prob);
        apart = std::max(apart, difference);
        if (here.text != there.text) {
          ++other_words;
          unexplained += difference > 1e-4 ? 1 : 0;  // two beams that are not as close as that
        }
      }
    }
  }
  std::printf("other words: %zu of %zu; log-probabilities at most %.2g apart\n", other_words,
              2 * kPhotos, apart);
  EXPECT_EQ(unexplained, 0U);
  EXPECT_LE(other_words, 1U);
  EXPECT_LT(apart, 1e-3);
}

}  // namespace
}  // namespace photoscribe
