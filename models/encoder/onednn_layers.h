// onednn_layers: the layers of an encoder as oneDNN is told of them, in its versions 2 and 3. Only
// where oneDNN is at hand. Private to models/.
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

/// (out,in,kernel,kernel), with the groups in front where there are some.
[[nodiscard]] dnnl::memory::dims weight_dims(const EncoderLayer& layer);

/// What a convolution in integers multiplies: its sums by `sums` (out), what it adds to by
/// `shortcut`, whose numbers are of `shortcut_type`.
struct Rescaling {
  std::vector<float> sums;
  float shortcut = 1;
  Type shortcut_type = Type::undef;
};

/// A convolution of maps of side x side, with its bias, its residual sum and its activation, but
/// for silu (silu.h). Weights and what the maps leave open are in `type`. With a rescaling weights
/// and what comes in are integers; where integers come out, they end where the activation
/// clamps, which is then not done besides.
[[nodiscard]] dnnl::convolution_forward::primitive_desc describe(
    const dnnl::engine& engine, Type type, const EncoderLayer& layer, std::int64_t side,
    const Desc& from, const Desc& to, const std::optional<Rescaling>& rescaling = {});

/// What the bias of a rescaled convolution is to be divided by, whose numbers count `to` a step:
/// oneDNN 2 adds it before it multiplies, 3 behind.
[[nodiscard]] float bias_unit(const Rescaling& rescaling, std::size_t channel, float to);

/// Numbers of `from` times `factor` as those of `to`.
[[nodiscard]] dnnl::reorder::primitive_desc describe_reorder(const dnnl::engine& engine,
                                                             const Desc& from, const Desc& to,
                                                             float factor);

using Arguments = std::unordered_map<int, dnnl::memory>;
/// What oneDNN 3 wants to be told of scales at every call, where 2 has them from the start.
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
