// Cached features: what is in them, when they are made again, and the encoder in two parts.
#include "models/train/features.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "models/train/augment.h"
#include "tests/models/bmp.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

constexpr int kSide = 64;

class Features : public testing::Test {
 protected:
  Features() {
    model_.input_side_px = kSide;
    for (int i = 0; i < 3; ++i) {
      const auto level = static_cast<unsigned char>(40 + 60 * i);
      const std::string name = std::to_string(i) + ".bmp";
      paths_.push_back(folder_.write(name, test::bmp(kSide, {level, 120, 30})));
    }
  }

  /// What the cache should hold, computed by the plain encoder.
  torch::Tensor expected(const Encoder& encoder, std::int64_t photo, const View& view) const {
    const auto image = read_view(paths_.at(static_cast<std::size_t>(photo)), view, model_);
    return encoder.forward(image->unsqueeze(0)).flatten(2).transpose(1, 2);
  }

  Expected<FeatureCache> open(const Encoder& head, std::int64_t views = 4) {
    made_ = 0;
    return FeatureCache::open_or_make(folder_.file("features"), paths_,
                                      {head, model_, views, true, precision_},
                                      [this](std::int64_t, std::int64_t) { ++made_; });
  }

  static Encoder encoder(std::uint64_t seed = 3) {
    at::manual_seed(seed);
    return {"tf_efficientnet_b0", random_encoder("tf_efficientnet_b0")};
  }

  test::TempDir folder_;
  ModelArchitecture model_;
  std::vector<std::string> paths_;
  Precision precision_ = Precision::float32;
  int made_ = 0;  // passes that the last open() took
};

TEST_F(Features, AreThoseOfTheHeadForEveryViewOfEveryPhoto) {
  const Encoder head = encoder().until("features.5");
  const auto cache = open(head);
  ASSERT_TRUE(cache) << cache.error().message;
  for (std::int64_t photo = 0; photo < 3; ++photo) {
    for (std::int64_t view = 0; view < 4; ++view) {
      const torch::Tensor wanted = expected(head, photo, cached_view(photo, view, true));
      const torch::Tensor got = cache->get({photo}, {view});
      ASSERT_EQ(got.sizes(), wanted.sizes());
      const double off = (got - wanted).abs().max().item<double>();
      EXPECT_LT(off, 2e-3 * wanted.abs().max().item<double>()) << photo << ' ' << view;
    }
  }
  EXPECT_FALSE(at::allclose(cache->get({0}, {2}), cache->get({0}, {3})));
}

TEST_F(Features, OfTheMiddleLeadToThoseOfTheEnd) {
  const Encoder whole = encoder();
  const auto cache = open(whole.until("features.5"), 1);
  ASSERT_TRUE(cache) << cache.error().message;
  const torch::Tensor got = finish_encoding(whole, "features.5", cache->get({2}, {}));
  const torch::Tensor wanted = expected(whole, 2, {});
  ASSERT_EQ(got.sizes(), wanted.sizes());
  EXPECT_LT((got - wanted).abs().max().item<double>(), 5e-3 * wanted.abs().max().item<double>());
}

TEST_F(Features, AreMadeOnceForTheSameHeadAndPhotos) {
  const Encoder head = encoder().until("features.5");
  ASSERT_TRUE(open(head, 2));
  EXPECT_EQ(made_, 2);
  // A photo that was copied is the same photo.
  std::filesystem::last_write_time(paths_[0], std::filesystem::file_time_type::clock::now());
  ASSERT_TRUE(open(head, 2));
  EXPECT_EQ(made_, 0);
  ASSERT_TRUE(open(head, 3));  // one more view leaves the others
  EXPECT_EQ(made_, 1);
  ASSERT_TRUE(open(encoder(4).until("features.5"), 3));
  EXPECT_EQ(made_, 3);
  folder_.write("1.bmp", test::bmp(kSide, {1, 2, 3}));
  ASSERT_TRUE(open(encoder(4).until("features.5"), 3));
  EXPECT_EQ(made_, 3);
}

TEST_F(Features, InBfloat16AreMadeAnewAndNearThoseInFloat32) {
  if (!has_bfloat16()) GTEST_SKIP() << "this CPU has no bfloat16";
  const Encoder head = encoder();
  const auto exact = open(head, 1);
  ASSERT_TRUE(exact) << exact.error().message;
  const torch::Tensor wanted = exact->get({0, 1, 2}, {}).clone();
  precision_ = Precision::bfloat16;
  const auto rounded = open(head, 1);
  ASSERT_TRUE(rounded) << rounded.error().message;
  EXPECT_GT(made_, 0);
  const torch::Tensor got = rounded->get({0, 1, 2}, {});
  EXPECT_FALSE(at::equal(got, wanted));
  EXPECT_LT((got - wanted).norm().item<double>(), 0.05 * wanted.norm().item<double>());
}

TEST_F(Features, LeaveOutAPhotoThatDoesNotDecode) {
  folder_.write("1.bmp", "no photo");
  const auto cache = open(encoder().until("features.3"), 2);
  ASSERT_TRUE(cache) << cache.error().message;
  EXPECT_TRUE(cache->usable(0));
  EXPECT_FALSE(cache->usable(1));
}

TEST(EncoderParts, RefuseABlockThatDoesNotExistOrHasNothingAfterIt) {
  const Encoder encoder("tf_efficientnet_b0", random_encoder("tf_efficientnet_b0"));
  EXPECT_THROW(static_cast<void>(encoder.until("features.77")), std::runtime_error);
  EXPECT_THROW(static_cast<void>(encoder.until("features.8")), std::runtime_error);
}

TEST(RandomViews, StayInsideThePhoto) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1'000; ++i) {
    const View view = random_view(random, false);
    EXPECT_GE(view.left, 0);
    EXPECT_GE(view.top, 0);
    EXPECT_LE(view.left + view.width, 1 + 1e-12);
    EXPECT_LE(view.top + view.height, 1 + 1e-12);
    EXPECT_GE(view.width * view.height, 0.55);
  }
}

}  // namespace
}  // namespace photoscribe
