#include "models/encoder/fast_encoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <vector>

#ifdef PHOTOSCRIBE_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#endif

namespace photoscribe {

#ifdef PHOTOSCRIBE_ONEDNN
namespace {

using Desc = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;
constexpr auto kF32 = Type::f32;

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
    case Activation::silu:
      append(after, dnnl::algorithm::eltwise_swish, 1.0F, 0.0F);
      break;
    case Activation::sigmoid:
      append(after, dnnl::algorithm::eltwise_logistic, 0.0F, 0.0F);
      break;
  }
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(after);
  return attributes;
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

/// Maxima of `layer`'s windows, or, without a layer, the mean of a whole map of side x side.
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

}  // namespace

class FastEncoder::Plans {
 public:
  Plans(const Encoder& encoder, std::int64_t side, Precision precision)
      : encoder_(encoder),
        side_(side),
        type_(precision == Precision::bfloat16 ? Type::bf16 : kF32),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_) {}

  torch::Tensor forward(const torch::Tensor& images) {
    const std::int64_t photos = images.size(0), grid = grid_side(encoder_.layers(), side_);
    const std::int64_t channels = encoder_.layers().back().out;
    torch::Tensor features = at::empty({photos, grid * grid, channels});
    for (std::int64_t first = 0; first < photos;) {
      std::int64_t count = block();
      while (count > photos - first) count /= 2;
      run(plan(count), images.data_ptr<float>() + first * side_ * side_ * 3,
          features.data_ptr<float>() + first * grid * grid * channels);
      first += count;
    }
    return features;
  }

  [[nodiscard]] const char* name() const noexcept {
    return type_ == kF32 ? "oneDNN" : "oneDNN bfloat16";
  }

 private:
  /// Photos a pass. Larger passes push the activations out of the caches.
  [[nodiscard]] std::int64_t block() const noexcept { return side_ <= 256 ? 4 : 2; }

  struct Step {
    dnnl::primitive primitive;
    std::unordered_map<int, dnnl::memory> arguments;
  };
  struct Plan {
    std::vector<Step> steps;
    dnnl::memory input, output;  // their data are the caller's
  };
  /// A plan in the making: the three values of encoder_layers.h and the side of two of them.
  struct Draft {
    Plan plan;
    std::int64_t photos = 0, side = 0, shortcut_side = 0;
    dnnl::memory main, shortcut, gate;
  };

  void run(Plan& plan, float* images, float* features) {
    plan.input.set_data_handle(images);
    plan.output.set_data_handle(features);
    for (const Step& step : plan.steps) step.primitive.execute(stream_, step.arguments);
    stream_.wait();
  }

  Plan& plan(std::int64_t photos) {
    const auto found = plans_.find(photos);
    return found != plans_.end() ? found->second
                                 : plans_.emplace(photos, make(photos)).first->second;
  }

  /// A buffer of at least `bytes` that is neither `a` nor `b`: three take turns in every plan.
  void* buffer(std::size_t bytes, const void* a, const void* b) {
    for (torch::Tensor& one : buffers_) {
      if (one.defined() && (one.data_ptr() == a || one.data_ptr() == b)) continue;
      if (!one.defined()) one = at::empty({buffer_bytes_}, torch::kUInt8);
      if (static_cast<std::size_t>(one.numel()) < bytes) break;
      return one.data_ptr();
    }
    throw std::runtime_error("fast encoder: a layer is larger than its buffer");
  }

  Plan make(std::int64_t photos) {
    const std::vector<EncoderLayer>& layers = encoder_.layers();
    reserve_buffers();
    Draft d;
    d.photos = photos;
    d.side = side_;
    d.plan.input = dnnl::memory(Desc({photos, 3, side_, side_}, kF32, Tag::nhwc), engine_, nullptr);
    d.main = d.plan.input;
    if (type_ != kF32) add_rounding(d);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (layers[i].keeps_residual) {
        d.shortcut = d.main;
        d.shortcut_side = d.side;
      }
      switch (layers[i].kind) {
        case LayerKind::convolution:
          add_convolution(d, i, i + 1 == layers.size());
          break;
        case LayerKind::max_pool:
          add_max_pool(d, layers[i], i + 1 == layers.size());
          break;
        case LayerKind::mean:
          add_mean(d, layers[i]);
          break;
        case LayerKind::scale:
          add_scale(d);
          break;
      }
    }
    return std::move(d.plan);
  }

  /// Memory of the plan's output, or of a buffer that holds neither main nor shortcut.
  dnnl::memory place(Draft& d, const Desc& desc, bool last) {
    if (last) return d.plan.output = dnnl::memory(desc, engine_, nullptr);
    void* held = d.shortcut ? d.shortcut.get_data_handle() : nullptr;
    return {desc, engine_, buffer(desc.get_size(), d.main.get_data_handle(), held)};
  }

  void add_convolution(Draft& d, std::size_t i, bool last) {
    const EncoderLayer& layer = encoder_.layers()[i];
    const bool gate = layer.lane == Lane::gate, shortcut = layer.lane == Lane::shortcut;
    dnnl::memory& from = gate ? d.gate : shortcut ? d.shortcut : d.main;
    const std::int64_t side = gate ? 1 : shortcut ? d.shortcut_side : d.side;
    const std::int64_t out = padding_of(layer, side).out;
    const Desc any({d.photos, layer.out, out, out}, last ? kF32 : type_,
                   last ? Tag::nhwc : Tag::any);
    // A residual sum writes over the shortcut, which nobody needs any more.
    const bool over = layer.adds_residual && !last;
    const auto described =
        describe(engine_, type_, layer, side, from.get_desc(), over ? d.shortcut.get_desc() : any);
    dnnl::memory to;
    if (gate) {
      to = dnnl::memory(described.dst_desc(), engine_);  // a few numbers
    } else if (over) {
      to = d.shortcut;
    } else {
      to = place(d, described.dst_desc(), last);
    }
    if (layer.adds_residual && last) {  // the sum happens where the caller wants it
      add_reorder(d, d.shortcut, to);
    }
    add_step(d, dnnl::convolution_forward(described),
             {{DNNL_ARG_SRC, from},
              {DNNL_ARG_WEIGHTS, weight(i, described.weights_desc())},
              {DNNL_ARG_BIAS, bias(i)},
              {DNNL_ARG_DST, to}});
    from = to;
    if (shortcut) d.shortcut_side = out;
    if (layer.lane == Lane::main) d.side = out;
    if (layer.adds_residual) d.shortcut = {};
  }

  void add_max_pool(Draft& d, const EncoderLayer& layer, bool last) {
    const std::int64_t out = padding_of(layer, d.side).out;
    const bool as_told = last && type_ == kF32;  // pooling keeps the type
    const Desc any({d.photos, layer.out, out, out}, type_, as_told ? Tag::nhwc : Tag::any);
    const auto described = describe_pool(engine_, layer, d.side, d.main.get_desc(), any);
    const dnnl::memory to = place(d, described.dst_desc(), as_told);
    add_step(d, dnnl::pooling_forward(described), {{DNNL_ARG_SRC, d.main}, {DNNL_ARG_DST, to}});
    d.main = to;
    d.side = out;
    if (last && !as_told)
      add_reorder(d, to, place(d, Desc({d.photos, layer.out, out, out}, kF32, Tag::nhwc), true));
  }

  void add_mean(Draft& d, const EncoderLayer& layer) {
    const Desc any({d.photos, layer.out, 1, 1}, type_, Tag::any);
    const auto described = describe_pool(engine_, layer, d.side, d.main.get_desc(), any);
    d.gate = dnnl::memory(described.dst_desc(), engine_);
    add_step(d, dnnl::pooling_forward(described), {{DNNL_ARG_SRC, d.main}, {DNNL_ARG_DST, d.gate}});
  }

  void add_scale(Draft& d) {
    const auto described = describe_scale(engine_, d.main.get_desc(), d.gate.get_desc());
    add_step(d, dnnl::binary(described),
             {{DNNL_ARG_SRC_0, d.main}, {DNNL_ARG_SRC_1, d.gate}, {DNNL_ARG_DST, d.main}});
  }

  /// The photos in the type of the products.
  void add_rounding(Draft& d) {
    const Desc rounded({d.photos, 3, side_, side_}, type_, Tag::nhwc);
    const dnnl::memory to = place(d, rounded, false);
    add_reorder(d, d.main, to);
    d.main = to;
  }

  static void add_reorder(Draft& d, const dnnl::memory& from, const dnnl::memory& to) {
    add_step(d, dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  }

  static void add_step(Draft& d, const dnnl::primitive& primitive,
                       std::unordered_map<int, dnnl::memory> arguments) {
    d.plan.steps.push_back({primitive, std::move(arguments)});
  }

  void reserve_buffers() {
    std::int64_t side = side_, largest = 0;
    for (const EncoderLayer& layer : encoder_.layers()) {
      const bool moves = layer.lane == Lane::main && (layer.kind == LayerKind::convolution ||
                                                      layer.kind == LayerKind::max_pool);
      if (moves) side = padding_of(layer, side).out;
      // Blocked layouts round channels up to sixteen. A shortcut's side is that of its block's end.
      largest = std::max(largest, (layer.out + 15) / 16 * 16 * side * side);
    }
    buffer_bytes_ = block() * largest * static_cast<std::int64_t>(sizeof(float));
  }

  /// The layer's weight in the layout that a plan wants; plans of other sizes mostly share it.
  dnnl::memory weight(std::size_t layer, const Desc& wanted) {
    for (const dnnl::memory& made : weights_[layer])
      if (made.get_desc() == wanted) return made;
    const EncoderLayer& l = encoder_.layers()[layer];
    const torch::Tensor plain = encoder_.weight(layer).contiguous();
    const Desc desc(weight_dims(l), kF32, l.groups > 1 ? Tag::goihw : Tag::oihw);
    dnnl::memory source(desc, engine_, plain.data_ptr()), made(wanted, engine_);
    dnnl::reorder(source, made).execute(stream_, source, made);
    stream_.wait();
    weights_[layer].push_back(made);
    return made;
  }

  dnnl::memory bias(std::size_t layer) {
    return {Desc({encoder_.layers()[layer].out}, kF32, Tag::x), engine_,
            encoder_.bias(layer).data_ptr()};
  }

  Encoder encoder_;
  std::int64_t side_;
  Type type_;  // of weights and activations; photos, biases and features are float32
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::map<std::int64_t, Plan> plans_;  // by photos a pass: a power of two up to block()
  std::map<std::size_t, std::vector<dnnl::memory>> weights_;
  std::array<torch::Tensor, 3> buffers_;
  std::int64_t buffer_bytes_ = 0;
};

#else

class FastEncoder::Plans {
 public:
  torch::Tensor forward(const torch::Tensor&) { return {}; }
  [[nodiscard]] const char* name() const noexcept { return ""; }
};

#endif

FastEncoder::FastEncoder(const Encoder& encoder, std::int64_t side_px,
                         [[maybe_unused]] Precision precision)
    : encoder_(encoder) {
#ifdef PHOTOSCRIBE_ONEDNN
  const torch::Tensor& first = encoder.weight(0);
  if (first.device().is_cpu() && first.scalar_type() == torch::kFloat32 && side_px % 32 == 0)
    plans_ = std::make_unique<Plans>(encoder, side_px, precision);
#else
  static_cast<void>(side_px);
#endif
}
FastEncoder::FastEncoder(FastEncoder&&) noexcept = default;
FastEncoder& FastEncoder::operator=(FastEncoder&&) noexcept = default;
FastEncoder::~FastEncoder() = default;

torch::Tensor FastEncoder::forward(const torch::Tensor& images) const {
  if (plans_ != nullptr) return plans_->forward(images);
  const torch::NoGradGuard no_grad;
  return encoder_.forward(images.permute({0, 3, 1, 2})).permute({0, 2, 3, 1}).flatten(1, 2);
}

const char* FastEncoder::backend() const noexcept {
  return plans_ != nullptr ? plans_->name() : "LibTorch";
}

}  // namespace photoscribe
