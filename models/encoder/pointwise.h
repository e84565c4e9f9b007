// pointwise: the matrix products of an EfficientNet's inverted bottleneck in eight bits, and what
// can be done to the numbers on their way. Private to models/.
//
// Maps stay bfloat16. In front of a product each position (a row of channels) becomes integers by
// a scale and a zero point of its own, found as it comes (dynamic quantisation: Jacob et al.,
// "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
// CVPR 2018, section 2.1; theirs are fixed and of a whole map): no calibration, and no loss where
// positions differ in size. The product's sums become numbers again where they are computed, with
// the bias, the residual sum and silu. (The decoder's rows, float32 and signed, have no zero point
// of their own, and run on every CPU: decoder/quantised.h.)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/encoder/encoder_layers.h"

namespace photoscribe {

struct Int8Weight;  // int8_layers.h

/// Whether this CPU has what Pointwise needs: AVX-512 with VNNI and bfloat16.
[[nodiscard]] bool has_pointwise();

/// Rows of channels as integers: x = scale * (number - zero), `zero` being the zero point.
class QuantisedRows {
 public:
  /// Room for `rows` of `channels`. Numbers are not cleared.
  void reserve(std::int64_t rows, std::int64_t channels);

  /// Row `row` = `x` (channels) times `gate` (channels; null: 1), bfloat16s as their bits.
  /// The zero point is an integer, and 0 among the numbers that are met exactly. A row that is not
  /// finite gets NaN for its scale. Requires has_pointwise().
  void set(std::int64_t row, const std::uint16_t* x, const std::uint16_t* gate);

  [[nodiscard]] std::int64_t width() const noexcept { return width_; }  // bytes from row to row
  [[nodiscard]] const std::uint8_t* numbers() const noexcept { return numbers_.data(); }
  [[nodiscard]] const float* scales() const noexcept { return scales_.data(); }
  [[nodiscard]] const float* zeros() const noexcept { return zeros_.data(); }

 private:
  std::int64_t channels_ = 0, width_ = 0;
  std::vector<std::uint8_t> numbers_;
  std::vector<float> scales_, zeros_, gated_;
};

/// A convolution that looks at one position alone, with its residual sum and its activation.
class Pointwise {
 public:
  /// Whether this CPU and these loops support `layer`.
  [[nodiscard]] static bool supports(const EncoderLayer& layer);

  /// Requires supports(). weight (out,in) and bias (out) are copied.
  Pointwise(const EncoderLayer& layer, const Int8Weight& weight, const float* bias);

  /// The first `rows` of `from` (in) -> `to` (rows,out), plus `shortcut` (rows,out) if the layer
  /// adds one, which may be `to`. Any thread, many at once.
  void run(const QuantisedRows& from, std::int64_t rows, const std::uint16_t* shortcut,
           std::uint16_t* to) const;
  /// The same as float32; not for layers that add a shortcut.
  void run(const QuantisedRows& from, std::int64_t rows, float* to) const;
  /// That for lines of `side` rows each, one after another in `from`, into blocks of sixteen
  /// channels, (side,16) each, that lie `apart` numbers from each other. Lanes behind the last
  /// channel get numbers, too.
  void run_blocked(const QuantisedRows& from, std::int64_t side, std::span<float* const> lines,
                   std::int64_t apart) const;

  [[nodiscard]] std::int64_t in() const noexcept { return in_; }
  [[nodiscard]] std::int64_t out() const noexcept { return out_; }

 private:
  struct Product;
  [[nodiscard]] Product product(const QuantisedRows& from) const;
  template <bool Silu, bool Sum, class Result>
  static void multiply(const Product& product, std::int64_t rows, std::span<Result* const> lines);

  std::int64_t in_, out_;
  bool silu_, adds_;
  std::vector<std::int8_t> weight_;           // (blocks,in / 4,vectors of the block,16,4)
  std::vector<float> scale_, offset_, bias_;  // (out, up to whole vectors); offset: sums of weights
};

}  // namespace photoscribe
