// onednn_layers: the layers of an encoder as oneDNN descriptions, for its versions 2 and 3. Only
// built with oneDNN. Private to models/.
#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <unordered_map>
#include <vector>

#include "models/encoder/encoder_layers.h"

namespace photoscribe::onednn {

using Desc = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;
inline constexpr auto kF32 = Type::f32;

[[nodiscard]] Type type_of(const Desc& desc);
[[nodiscard]] dnnl::memory::dims dims_of(const Desc& desc);
[[nodiscard]] inline Type type_of(const dnnl::memory& memory) { return type_of(memory.get_desc()); }

/// (out,in,kernel,kernel), preceded by the groups if there are any.
[[nodiscard]] dnnl::memory::dims weight_dims(const EncoderLayer& layer);

/// The factors of a convolution in integers: its sums are multiplied by `sums` (out), the shortcut
/// that it adds, of `shortcut_type`, by `shortcut`.
struct Rescaling {
  std::vector<float> sums;
  float shortcut = 1;
  Type shortcut_type = Type::undef;
};

/// A convolution of maps of side x side, with its bias, its residual sum and its activation, except
/// silu (silu.h). Weights, and whatever the maps leave open, are of `type`. With a rescaling
/// weights and input are integers; if the output is integers, too, their range ends where the
/// activation clamps, and no activation is added.
[[nodiscard]] dnnl::convolution_forward::primitive_desc describe(
    const dnnl::engine& engine, Type type, const EncoderLayer& layer, std::int64_t side,
    const Desc& from, const Desc& to, const std::optional<Rescaling>& rescaling = {});

/// The divisor of the bias of a rescaled convolution with the output step `to`: oneDNN 2 adds the
/// bias before it multiplies, 3 after.
[[nodiscard]] float bias_unit(const Rescaling& rescaling, std::size_t channel, float to);

/// Numbers of `from` times `factor` as those of `to`.
[[nodiscard]] dnnl::reorder::primitive_desc describe_reorder(const dnnl::engine& engine,
                                                             const Desc& from, const Desc& to,
                                                             float factor);

using Arguments = std::unordered_map<int, dnnl::memory>;
/// Adds the scales that oneDNN 3 takes at every call; 2 has them in the description.
void add_scales(const dnnl::engine& engine, const Rescaling& rescaling, Arguments& arguments);
void add_factor(const dnnl::engine& engine, float factor, Arguments& arguments);

/// Maxima of `layer`'s windows, or the mean of a whole map of side x side (LayerKind::mean).
[[nodiscard]] dnnl::pooling_forward::primitive_desc describe_pool(const dnnl::engine& engine,
                                                                  const EncoderLayer& layer,
                                                                  std::int64_t side,
                                                                  const Desc& from, const Desc& to);

/// main = main * gate.
[[nodiscard]] dnnl::binary::primitive_desc describe_scale(const dnnl::engine& engine,
                                                          const Desc& main, const Desc& gate);

}  // namespace photoscribe::onednn
