#ifdef PHOTOSCRIBE_ONEDNN
#include "models/encoder/onednn_layers.h"

#include <cstring>

namespace photoscribe::onednn {
namespace {

void append(dnnl::post_ops& after, dnnl::algorithm algorithm, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  after.append_eltwise(algorithm, alpha, beta);
#else
  after.append_eltwise(1.0F, algorithm, alpha, beta);
#endif
}

/// oneDNN's masks: one number for all, or one for each channel.
constexpr int kOfAll = 0;
#if DNNL_VERSION_MAJOR >= 3
constexpr int kOfChannels = 1, kOfGroupsAndChannels = 3;
#else
constexpr int kOfChannelsOut = 2;
#endif

#if DNNL_VERSION_MAJOR >= 3
dnnl::memory numbers(const dnnl::engine& engine, const std::vector<float>& values) {
  dnnl::memory made(Desc({static_cast<std::int64_t>(values.size())}, kF32, Tag::x), engine);
  std::memcpy(made.get_data_handle(), values.data(), values.size() * sizeof(float));
  return made;
}
#endif

bool is_integer_type(Type type) { return type == Type::s8 || type == Type::u8; }

void append_sum(dnnl::post_ops& after, const std::optional<Rescaling>& rescaling) {
  if (rescaling) {
    after.append_sum(rescaling->shortcut, 0, rescaling->shortcut_type);
  } else {
    after.append_sum(1.0F);
  }
}

void set_scales(dnnl::primitive_attr& attributes, const EncoderLayer& layer,
                const Rescaling& rescaling) {
#if DNNL_VERSION_MAJOR >= 3
  static_cast<void>(rescaling);
  attributes.set_scales_mask(DNNL_ARG_WEIGHTS,
                             layer.groups > 1 ? kOfGroupsAndChannels : kOfChannels);
#else
  static_cast<void>(layer);
  attributes.set_output_scales(kOfChannelsOut, rescaling.sums);
#endif
}

dnnl::primitive_attr attributes(const EncoderLayer& layer, Type to,
                                const std::optional<Rescaling>& rescaling) {
  dnnl::post_ops after;
  if (layer.adds_residual) append_sum(after, rescaling);
  switch (rescaling && is_integer_type(to) ? Activation::none : layer.activation) {
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
  if (rescaling) set_scales(attributes, layer, *rescaling);
  return attributes;
}

}  // namespace

Type type_of(const Desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_data_type();
#else
  return desc.data_type();
#endif
}

dnnl::memory::dims dims_of(const Desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_dims();
#else
  return desc.dims();
#endif
}

dnnl::memory::dims weight_dims(const EncoderLayer& l) {
  if (l.groups > 1) return {l.groups, l.out / l.groups, l.in / l.groups, l.kernel, l.kernel};
  return {l.out, l.in, l.kernel, l.kernel};
}

dnnl::convolution_forward::primitive_desc describe(const dnnl::engine& engine, Type type,
                                                   const EncoderLayer& layer, std::int64_t side,
                                                   const Desc& from, const Desc& to,
                                                   const std::optional<Rescaling>& rescaling) {
  const Desc weight(weight_dims(layer), type, Tag::any), bias({layer.out}, kF32, Tag::x);
  const Padding padding = padding_of(layer, side);
  const dnnl::memory::dims stride{layer.stride, layer.stride};
  const dnnl::memory::dims before{padding.before, padding.before},
      after{padding.after, padding.after};
  constexpr auto kind = dnnl::prop_kind::forward_inference;
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  const dnnl::primitive_attr with = attributes(layer, type_of(to), rescaling);
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kind, direct, from, weight, bias, to, stride, before, after, with};
#else
  return {{kind, direct, from, weight, bias, to, stride, before, after}, with, engine};
#endif
}

float bias_unit(const Rescaling& rescaling, std::size_t channel, float to_scale) {
#if DNNL_VERSION_MAJOR >= 3
  static_cast<void>(rescaling);
  static_cast<void>(channel);
  return to_scale;
#else
  return to_scale * rescaling.sums[channel];
#endif
}

dnnl::reorder::primitive_desc describe_reorder(const dnnl::engine& engine, const Desc& from,
                                               const Desc& to, float factor) {
  dnnl::primitive_attr attributes;
  if (factor != 1) {
#if DNNL_VERSION_MAJOR >= 3
    attributes.set_scales_mask(DNNL_ARG_SRC, kOfAll);
#else
    attributes.set_output_scales(kOfAll, {factor});
#endif
  }
  return {engine, from, engine, to, attributes};
}

void add_scales([[maybe_unused]] const dnnl::engine& engine,
                [[maybe_unused]] const Rescaling& rescaling,
                [[maybe_unused]] Arguments& arguments) {
#if DNNL_VERSION_MAJOR >= 3
  arguments.emplace(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, numbers(engine, rescaling.sums));
#endif
}

void add_factor([[maybe_unused]] const dnnl::engine& engine, [[maybe_unused]] float factor,
                [[maybe_unused]] Arguments& arguments) {
#if DNNL_VERSION_MAJOR >= 3
  if (factor != 1)
    arguments.emplace(DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, numbers(engine, {factor}));
#endif
}

dnnl::pooling_forward::primitive_desc describe_pool(const dnnl::engine& engine,
                                                    const EncoderLayer& layer, std::int64_t side,
                                                    const Desc& from, const Desc& to) {
  const bool mean = layer.kind == LayerKind::mean;
  const Padding padding = mean ? Padding{} : padding_of(layer, side);
  const std::int64_t size = mean ? side : layer.kernel, step = mean ? 1 : layer.stride;
  // What lies after the last whole window is not used, however much padding there is.
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
