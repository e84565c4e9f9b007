#include "models/decoder/kernels.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "models/decoder/fast_linear.h"
#include "models/format/precision.h"

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr float kNone = -std::numeric_limits<float>::infinity();

/// Scores of words (R,V) of which the first three are never said.
Tensor scores(std::int64_t rows, std::int64_t words) {
  Tensor x = at::randn({rows, words}) * 5;
  x.narrow(1, 0, 3).fill_(kNone);
  return x;
}

double farthest(const Tensor& a, const Tensor& b) {
  return (a - b).nan_to_num(0, 0, 0).abs().max().item<double>();
}

TEST(Kernels, LogSoftmaxIsLibTorchs) {
  at::manual_seed(1);
  for (const std::int64_t words : {4, 19, 130, 5004}) {
    const Tensor x = scores(6, words), odds = at::randn({2, words}), gate = at::rand({6});
    Tensor plain = x.clone(), told = x.clone();
    log_softmax_rows({}, 6, words, plain.data_ptr<float>());
    log_softmax_rows({gate.data_ptr<float>(), odds.data_ptr<float>(), 3}, 6, words,
                     told.data_ptr<float>());
    EXPECT_LT(farthest(plain, at::log_softmax(x, 1)), 1e-5) << words;
    const Tensor added = x + gate.unsqueeze(1) * odds.repeat_interleave(3, 0);
    EXPECT_LT(farthest(told, at::log_softmax(added, 1)), 1e-5) << words;
    EXPECT_EQ(plain[0][0].item<float>(), kNone);
  }
}

TEST(Kernels, LogSoftmaxHoldsForFarNumbers) {
  Tensor x = at::tensor({-3e4F, 0.F, 88.F, -90.F, kNone}).view({1, 5});
  const Tensor wanted = at::log_softmax(x, 1);
  log_softmax_rows({}, 1, 5, x.data_ptr<float>());
  EXPECT_LT(farthest(x, wanted), 1e-5);
}

TEST(Kernels, LargestSumsAreTopks) {
  at::manual_seed(2);
  for (const std::int64_t words : {5, 127, 128, 129, 5004}) {
    const Tensor x = scores(3, words), base = at::randn({3});
    const std::int64_t count = std::min<std::int64_t>(6, 3 * (words - 3));
    std::vector<float> sums(static_cast<std::size_t>(count));
    std::vector<std::int64_t> places(sums.size());
    largest_sums(3, words, base.data_ptr<float>(), x.data_ptr<float>(), count, sums.data(),
                 places.data());
    const auto [value, place] = at::topk((x + base.unsqueeze(1)).flatten(), count);
    for (std::int64_t i = 0; i < count; ++i) {
      EXPECT_EQ(sums[static_cast<std::size_t>(i)], value[i].item<float>()) << words;
      EXPECT_EQ(places[static_cast<std::size_t>(i)], place[i].item<std::int64_t>()) << words;
    }
  }
}

TEST(Kernels, OfEqualSumsTheFirstComeFirst) {
  const std::vector<float> x(2 * 200, -1), base = {0, 0};
  std::vector<float> sums(5);
  std::vector<std::int64_t> places(5);
  largest_sums(2, 200, base.data(), x.data(), 5, sums.data(), places.data());
  EXPECT_EQ(places, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
}

TEST(Kernels, WhatIsNeverSaidIsNoCandidate) {
  const std::vector<float> x = {kNone, -2, kNone, kNone}, base = {1};
  std::vector<float> sums(3);
  std::vector<std::int64_t> places(3);
  largest_sums(1, 4, base.data(), x.data(), 3, sums.data(), places.data());
  EXPECT_EQ(sums, (std::vector<float>{-1, kNone, kNone}));
  EXPECT_EQ(places.front(), 1);
}

TEST(Kernels, GateRowsIsASigmoid) {
  at::manual_seed(3);
  const Tensor gate = at::randn({4, 50}) * 4, x = at::randn({4, 37});
  Tensor gated = x.clone();
  gate_rows(4, 37, gate.data_ptr<float>() + 5, 50, gated.data_ptr<float>());
  EXPECT_LT(farthest(gated, x * at::sigmoid(gate.narrow(1, 5, 37))), 1e-5);
}

TEST(Kernels, WeightedSumsAreABatchedProduct) {
  at::manual_seed(4);
  const Tensor weight = at::rand({2, 3, 7}), value = at::randn({2, 7, 37});
  Tensor sums = at::empty({6, 37});
  weighted_sums({6, 3, 7, 37, weight.data_ptr<float>(), value.data_ptr<float>()},
                sums.data_ptr<float>());
  EXPECT_LT(farthest(sums, at::bmm(weight, value).view({6, 37})), 1e-5);
}

// oneDNN cuts rows into equal parts; ours are cut so that it finds some, whatever their number.
TEST(Kernels, AFastLinearTakesAnyNumberOfRows) {
  at::manual_seed(5);
  const Tensor weight = at::randn({24, 40}), bias = at::randn({24});
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    if (precision == Precision::bfloat16 && !has_bfloat16()) continue;
    const FastLinear whole(weight, bias, precision), added(weight, {}, precision);
    for (const std::int64_t rows : {1, 15, 16, 17, 51, 59, 63, 64, 65, 118, 511, 513, 944}) {
      const Tensor x = at::randn({rows, 40}), wanted = at::linear(x, weight);
      Tensor y = at::ones({rows, 24});
      added.add_to(y, x);
      const double most = precision == Precision::float32 ? 1e-4 : 0.5;
      EXPECT_LT(farthest(whole(x), wanted + bias), most) << rows;
      EXPECT_LT(farthest(y, wanted + 1), most) << rows;
    }
  }
}

// target_clones("arch=haswell") is the copy for a Haswell, not for what came after it: all later
// processors ran the copy without AVX.
TEST(Kernels, Issue17TheCopyForThisCpuRuns) {
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
  int bytes = 16;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) bytes = 32;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) bytes = 64;
  EXPECT_EQ(kernel_vector_bytes(), bytes);
#else
  EXPECT_EQ(kernel_vector_bytes(), 0);
#endif
}

}  // namespace
}  // namespace photoscribe
