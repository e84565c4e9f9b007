#ifdef PHOTOSCRIBE_ONEDNN
#include "models/encoder/onednn_layers.h"

namespace photoscribe::onednn {
namespace {

void append(dnnl::post_ops& after, dnnl::algorithm algorithm, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  after.append_eltwise(algorithm, alpha, beta);
#else
  after.append_eltwise(1.0F, algorithm, alpha, beta);
#endif
}

dnnl::primitive_attr attributes(const EncoderLayer& layer) {
  dnnl::post_ops after;
  if (layer.adds_residual) after.append_sum(1.0F);
  switch (layer.activation) {
    case Activation::none:
      break;
    case Activation::relu:
      append(after, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
      break;
    case Activation::relu6:
      append(after, dnnl::algorithm::eltwise_clip, 0.0F, 6.0F);
      break;
    case Activation::silu:  // a pass of its own: silu.h
      break;
    case Activation::sigmoid:
      append(after, dnnl::algorithm::eltwise_logistic, 0.0F, 0.0F);
      break;
  }
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(after);
  return attributes;
}

}  // namespace

Type type_of(const dnnl::memory& memory) {
#if DNNL_VERSION_MAJOR >= 3
  return memory.get_desc().get_data_type();
#else
  return memory.get_desc().data_type();
#endif
}

dnnl::memory::dims weight_dims(const EncoderLayer& l) {
  if (l.groups > 1) return {l.groups, l.out / l.groups, l.in / l.groups, l.kernel, l.kernel};
  return {l.out, l.in, l.kernel, l.kernel};
}

dnnl::convolution_forward::primitive_desc describe(const dnnl::engine& engine, Type type,
                                                   const EncoderLayer& layer, std::int64_t side,
                                                   const Desc& from, const Desc& to) {
  const Desc weight(weight_dims(layer), type, Tag::any), bias({layer.out}, kF32, Tag::x);
  const Padding padding = padding_of(layer, side);
  const dnnl::memory::dims stride{layer.stride, layer.stride};
  const dnnl::memory::dims before{padding.before, padding.before},
      after{padding.after, padding.after};
  constexpr auto kind = dnnl::prop_kind::forward_inference;
  constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kind, direct, from, weight, bias, to, stride, before, after, attributes(layer)};
#else
  return {{kind, direct, from, weight, bias, to, stride, before, after}, attributes(layer), engine};
#endif
}

dnnl::pooling_forward::primitive_desc describe_pool(const dnnl::engine& engine,
                                                    const EncoderLayer& layer, std::int64_t side,
                                                    const Desc& from, const Desc& to) {
  const bool mean = layer.kind == LayerKind::mean;
  const Padding padding = mean ? Padding{} : padding_of(layer, side);
  const std::int64_t size = mean ? side : layer.kernel, step = mean ? 1 : layer.stride;
  // What lies behind the last whole window is not looked at, however much padding there is.
  const std::int64_t behind = mean ? 0 : (padding.out - 1) * step + size - side - padding.before;
  const dnnl::memory::dims kernel{size, size}, stride{step, step},
      before{padding.before, padding.before}, after{behind, behind};
  constexpr auto kind = dnnl::prop_kind::forward_inference;
  const auto how =
      mean ? dnnl::algorithm::pooling_avg_exclude_padding : dnnl::algorithm::pooling_max;
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kind, how, from, to, stride, kernel, {0, 0}, before, after};
#else
  return {{kind, how, from, to, stride, kernel, before, after}, engine};
#endif
}

dnnl::binary::primitive_desc describe_scale(const dnnl::engine& engine, const Desc& main,
                                            const Desc& gate) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, dnnl::algorithm::binary_mul, main, gate, main};
#else
  return {{dnnl::algorithm::binary_mul, main, gate, main}, engine};
#endif
}

}  // namespace photoscribe::onednn
#endif
