// batch_parity: the shipped model gives a photo the same words alone and in a batch.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "common/core/model_folder.h"
#include "common/image/photo.h"
#include "models/captioner.h"

namespace photoscribe::test {

/// models/fast; null, and a failed test, when it cannot be opened.
inline std::unique_ptr<Captioner> open_shipped_model() {
  CaptionerConfig config;
  config.model_folder = PHOTOSCRIBE_SOURCE_DIR "/models/fast";
  const auto model = read_model_folder(config.model_folder);
  if (!model) {
    ADD_FAILURE() << model.error().message;
    return nullptr;
  }
  config.search = model->search;
  auto captioner = open_captioner(config);
  if (captioner) return std::move(*captioner);
  ADD_FAILURE() << captioner.error().message;
  return nullptr;
}

/// The photos of `folder` that can be decoded, in the order of their names, at most `photos_max`.
inline std::vector<DecodedImage> decode_folder(const std::filesystem::path& folder, int side_px,
                                               std::size_t photos_max) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<DecodedImage> images;
  for (std::size_t i = 0; i < paths.size() && images.size() < photos_max; ++i) {
    std::ifstream file(paths[i], std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
    if (auto image = decode_for_network(bytes, side_px, DecodeLimits{}))
      images.push_back(std::move(*image));
  }
  return images;
}

/// Captions of `images`, `size` at a time. Fails the test, and returns fewer, where that fails.
inline std::vector<Caption> caption_by(std::size_t size, Captioner& captioner,
                                       const std::vector<DecodedImage>& images) {
  std::vector<Caption> captions;
  for (std::size_t first = 0; first < images.size(); first += size) {
    std::vector<const DecodedImage*> batch;
    for (std::size_t i = first; i < std::min(images.size(), first + size); ++i)
      batch.push_back(&images[i]);
    const auto made = captioner.caption(batch);
    if (!made) {
      ADD_FAILURE() << made.error().message;
      break;
    }
    captions.insert(captions.end(), made->begin(), made->end());
  }
  return captions;
}

/// Words may differ for one photo in hundreds, where two beams are as close as rounding.
inline void expect_words_independent_of_the_batch(Captioner& captioner,
                                                  const std::vector<DecodedImage>& images) {
  const std::vector<Caption> alone = caption_by(1, captioner, images);
  ASSERT_EQ(alone.size(), images.size());
  std::size_t other_words = 0, unexplained = 0;
  double apart = 0;
  for (const std::size_t size : {7U, 32U}) {
    const std::vector<Caption> together = caption_by(size, captioner, images);
    ASSERT_EQ(together.size(), images.size());
    for (std::size_t i = 0; i < images.size(); ++i) {
      const double difference = std::abs(together[i].log_prob - alone[i].log_prob);
      apart = std::max(apart, difference);
      if (together[i].text != alone[i].text) {
        ++other_words;
        unexplained += difference > 1e-4 ? 1 : 0;  // two beams that are not as close as that
      }
    }
  }
  std::printf("other words: %zu of %zu; log-probabilities at most %.2g apart\n", other_words,
              2 * images.size(), apart);
  EXPECT_EQ(unexplained, 0U);
  EXPECT_LE(other_words, 1U);
  EXPECT_LT(apart, 1e-3);
}

}  // namespace photoscribe::test
