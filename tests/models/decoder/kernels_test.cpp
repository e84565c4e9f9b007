#include "models/decoder/kernels.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "models/decoder/cells.h"
#include "models/decoder/fast_linear.h"
#include "models/decoder/step_parts.h"
#include "models/format/precision.h"

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr float kNone = -std::numeric_limits<float>::infinity();

/// Scores of words (R,V) of which the first three are never predicted.
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
    Tensor plain = x.clone(), actual = x.clone();
    log_softmax_rows({}, 6, words, plain.data_ptr<float>());
    log_softmax_rows({gate.data_ptr<float>(), odds.data_ptr<float>(), 3}, 6, words,
                     actual.data_ptr<float>());
    EXPECT_LT(farthest(plain, at::log_softmax(x, 1)), 1e-5) << words;
    const Tensor added = x + gate.unsqueeze(1) * odds.repeat_interleave(3, 0);
    EXPECT_LT(farthest(actual, at::log_softmax(added, 1)), 1e-5) << words;
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

TEST(Kernels, WordsNeverPredictedAreNotCandidates) {
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
  const std::vector<std::int64_t> photo{0, 0, 0, 1, 1, 1};
  weighted_sums({6, 7, 37, photo.data(), weight.data_ptr<float>(), value.data_ptr<float>()},
                sums.data_ptr<float>());
  EXPECT_LT(farthest(sums, at::bmm(weight, value).view({6, 37})), 1e-5);
}

TEST(Kernels, AnLstmsGatesAreSumsOfWhatRowsShare) {
  at::manual_seed(6);
  constexpr std::int64_t kHidden = 37, kRows = 5;
  const Tensor word = at::randn({9, 4 * kHidden}), state = at::randn({3, 4 * kHidden + 4}),
               context = at::randn({3, 4 * kHidden}), c_in = at::randn({kRows, kHidden});
  const Tensor words = at::tensor({8, 0, 3, 3, 1}, torch::kInt64),
               state_of = at::tensor({0, 0, 2, 1, 2}, torch::kInt64);
  Tensor c = at::empty({kRows, kHidden}), h = at::empty({kRows, kHidden});
  lstm_cell_of({kRows, kHidden, word.data_ptr<float>(), words.data_ptr<std::int64_t>(),
                state_of.data_ptr<std::int64_t>(), state.data_ptr<float>() + 4,
                context.data_ptr<float>(), state.stride(0), context.stride(0)},
               c_in.data_ptr<float>(), c.data_ptr<float>(), h.data_ptr<float>());
  Tensor wanted_h, wanted_c = c_in;
  lstm(word.index_select(0, words) +
           (state.narrow(1, 4, 4 * kHidden) + context).index_select(0, state_of),
       wanted_h, wanted_c);
  EXPECT_LT(farthest(c, wanted_c), 1e-5);
  EXPECT_LT(farthest(h, wanted_h), 1e-5);
}

TEST(Kernels, RoundsToTheNearestBfloat16) {
  at::manual_seed(7);
  const Tensor x = at::cat(
      {at::randn({133}), at::tensor({0.F, -0.F, kNone, 1 + 1.F / 256, 1 + 3.F / 256, 3e38F})});
  const Tensor rounded = at::empty({x.numel()}, torch::kBFloat16);
  round_to_bfloat16(x.data_ptr<float>(), x.numel(),
                    static_cast<std::uint16_t*>(rounded.data_ptr()));
  EXPECT_TRUE(at::equal(rounded, x.to(torch::kBFloat16)));
}

TEST(Kernels, NaNsStayNaNsWhenRounded) {
  const Tensor x = at::tensor({0x7fffffff, -1, 0x7f800001, 0x7fc00000}).view(torch::kFloat32);
  const Tensor rounded = at::empty({x.numel()}, torch::kBFloat16);
  round_to_bfloat16(x.data_ptr<float>(), x.numel(),
                    static_cast<std::uint16_t*>(rounded.data_ptr()));
  EXPECT_TRUE(at::isnan(rounded).all().item<bool>());
}

TEST(Kernels, RowsOfOneStateAreFoundWithinTheirPhotoAlone) {
  const Tensor states = at::tensor({1.F, 2.F, 3.F, 4.F, 5.F, 6.F}).view({3, 2});
  const Tensor h = states.index_select(0, at::tensor({0, 1, 0, 2, 2, 2, 0, 0, 1}));
  const SharedRows rows(h, 3);
  EXPECT_EQ(rows.photo, (std::vector<std::int64_t>{0, 0, 1, 2, 2}));
  EXPECT_TRUE(at::equal(rows.unique_row, at::tensor({0, 1, 0, 2, 2, 2, 3, 3, 4}, torch::kInt64)));
  EXPECT_TRUE(at::equal(rows.h, states.index_select(0, at::tensor({0, 1, 2, 0, 1}))));
  EXPECT_TRUE(at::equal(rows.h.index_select(0, rows.unique_row), h));
}

// oneDNN splits rows into equal parts; ours are chosen so that it finds some, whatever their
// number.
TEST(Kernels, AFastLinearTakesAnyNumberOfRows) {
  at::manual_seed(5);
  const Tensor weight = at::randn({24, 40}), bias = at::randn({24});
  for (const Precision precision : {Precision::float32, Precision::bfloat16, Precision::int8}) {
    if (precision == Precision::bfloat16 && !has_bfloat16()) continue;
    if (precision == Precision::int8 && !has_int8()) continue;
    const FastLinear whole(weight, bias, precision), added(weight, {}, precision);
    for (const std::int64_t rows :
         {1, 15, 16, 17, 51, 59, 63, 64, 65, 118, 511, 513, 944, 3, 64, 1}) {
      const Tensor x = at::randn({rows, 40}), wanted = at::linear(x, weight);
      Tensor y = at::ones({rows, 24});
      added.add_to(y, x);
      const double most = precision == Precision::float32 ? 1e-4 : 0.5;
      EXPECT_LT(farthest(whole(x), wanted + bias), most) << rows;
      EXPECT_LT(farthest(y, wanted + 1), most) << rows;
    }
  }
}

// target_clones("arch=haswell") is the copy for a Haswell, not for later processors: those ran the
// copy without AVX.
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
