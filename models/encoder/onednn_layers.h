// onednn_layers: the layers of an encoder as oneDNN is told of them, in its versions 2 and 3. Only
// where oneDNN is at hand. Private to models/.
#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>

#include "models/encoder/encoder_layers.h"

namespace photoscribe::onednn {

using Desc = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;
inline constexpr auto kF32 = Type::f32;

[[nodiscard]] Type type_of(const dnnl::memory& memory);

/// (out,in,kernel,kernel), with the groups in front where there are some.
[[nodiscard]] dnnl::memory::dims weight_dims(const EncoderLayer& layer);

/// A convolution of maps of side x side, with its bias, its residual sum and its activation, but
/// for silu (silu.h). Weights and what the maps leave open are in `type`.
[[nodiscard]] dnnl::convolution_forward::primitive_desc describe(const dnnl::engine& engine,
                                                                 Type type,
                                                                 const EncoderLayer& layer,
                                                                 std::int64_t side,
                                                                 const Desc& from, const Desc& to);

/// Maxima of `layer`'s windows, or the mean of a whole map of side x side (LayerKind::mean).
[[nodiscard]] dnnl::pooling_forward::primitive_desc describe_pool(const dnnl::engine& engine,
                                                                  const EncoderLayer& layer,
                                                                  std::int64_t side,
                                                                  const Desc& from, const Desc& to);

/// main = main * gate.
[[nodiscard]] dnnl::binary::primitive_desc describe_scale(const dnnl::engine& engine,
                                                          const Desc& main, const Desc& gate);

}  // namespace photoscribe::onednn
