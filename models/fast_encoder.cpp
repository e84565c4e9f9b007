#include "models/fast_encoder.h"

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
constexpr auto kF32 = dnnl::memory::data_type::f32;

dnnl::primitive_attr attributes(const ConvLayer& layer) {
  dnnl::post_ops after;
  if (layer.adds_residual) after.append_sum(1.0F);
#if DNNL_VERSION_MAJOR >= 3
  if (layer.relu6) after.append_eltwise(dnnl::algorithm::eltwise_clip, 0.0F, 6.0F);
#else
  if (layer.relu6) after.append_eltwise(1.0F, dnnl::algorithm::eltwise_clip, 0.0F, 6.0F);
#endif
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(after);
  return attributes;
}

dnnl::convolution_forward::primitive_desc describe(const dnnl::engine& engine,
                                                   const ConvLayer& layer, const Desc& from,
                                                   const Desc& to) {
  const bool grouped = layer.groups > 1;
  const dnnl::memory::dims shape =
      grouped ? dnnl::memory::dims{layer.groups, layer.out / layer.groups, layer.in / layer.groups,
                                   layer.kernel, layer.kernel}
              : dnnl::memory::dims{layer.out, layer.in, layer.kernel, layer.kernel};
  const Desc weight(shape, kF32, Tag::any), bias({layer.out}, kF32, Tag::x);
  const dnnl::memory::dims stride{layer.stride, layer.stride};
  const dnnl::memory::dims border{layer.kernel / 2, layer.kernel / 2};
  constexpr auto kind = dnnl::prop_kind::forward_inference;
  constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kind, direct, from, weight, bias, to, stride, border, border, attributes(layer)};
#else
  return {
      {kind, direct, from, weight, bias, to, stride, border, border}, attributes(layer), engine};
#endif
}

}  // namespace

class FastEncoder::Plans {
 public:
  Plans(const Encoder& encoder, std::int64_t side)
      : encoder_(encoder), side_(side), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}

  torch::Tensor forward(const torch::Tensor& images) {
    const std::int64_t photos = images.size(0), grid = side_ / 32;
    const std::int64_t channels = encoder_.layers().back().out;
    torch::Tensor features = at::empty({photos, grid * grid, channels});
    for (std::int64_t first = 0; first < photos;) {
      std::int64_t count = kBlock;
      while (count > photos - first) count /= 2;
      run(plan(count), images.data_ptr<float>() + first * side_ * side_ * 3,
          features.data_ptr<float>() + first * grid * grid * channels);
      first += count;
    }
    return features;
  }

 private:
  // Photos a pass. Larger passes push the activations out of the caches.
  static constexpr std::int64_t kBlock = 4;

  struct Step {
    dnnl::convolution_forward primitive;
    std::unordered_map<int, dnnl::memory> arguments;
  };
  struct Plan {
    std::vector<Step> steps;
    dnnl::memory input, output;  // their data are the caller's
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
    const std::vector<ConvLayer>& layers = encoder_.layers();
    reserve_buffers();
    Plan plan;
    Desc from({photos, 3, side_, side_}, kF32, Tag::nhwc);
    plan.input = dnnl::memory(from, engine_, nullptr);
    dnnl::memory at = plan.input, kept;
    std::int64_t side = side_;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const ConvLayer& layer = layers[i];
      const bool last = i + 1 == layers.size();
      side /= layer.stride;
      if (layer.keeps_residual) kept = at;
      const dnnl::memory::dims shape{photos, layer.out, side, side};
      // A residual sum writes over the block's input, which nobody needs any more.
      const Desc wanted =
          layer.adds_residual ? kept.get_desc() : Desc(shape, kF32, last ? Tag::nhwc : Tag::any);
      const auto described = describe(engine_, layer, from, wanted);
      dnnl::memory to;
      if (layer.adds_residual) {
        to = kept;
      } else if (last) {
        to = plan.output = dnnl::memory(described.dst_desc(), engine_, nullptr);
      } else {
        void* held = kept ? kept.get_data_handle() : nullptr;
        to = dnnl::memory(described.dst_desc(), engine_,
                          buffer(described.dst_desc().get_size(), at.get_data_handle(), held));
      }
      plan.steps.push_back({dnnl::convolution_forward(described),
                            {{DNNL_ARG_SRC, at},
                             {DNNL_ARG_WEIGHTS, weight(i, described.weights_desc())},
                             {DNNL_ARG_BIAS, bias(i)},
                             {DNNL_ARG_DST, to}}});
      if (layer.adds_residual) kept = {};
      at = to;
      from = described.dst_desc();
    }
    return plan;
  }

  void reserve_buffers() {
    std::int64_t side = side_, largest = 0;
    for (const ConvLayer& layer : encoder_.layers()) {
      side /= layer.stride;
      // Blocked layouts round channels up to sixteen.
      largest = std::max(largest, (layer.out + 15) / 16 * 16 * side * side);
    }
    buffer_bytes_ = kBlock * largest * static_cast<std::int64_t>(sizeof(float));
  }

  /// The layer's weight in the layout that a plan wants; plans of other sizes mostly share it.
  dnnl::memory weight(std::size_t layer, const Desc& wanted) {
    for (const dnnl::memory& made : weights_[layer])
      if (made.get_desc() == wanted) return made;
    const ConvLayer& l = encoder_.layers()[layer];
    const bool grouped = l.groups > 1;
    const torch::Tensor plain = encoder_.weight(layer).contiguous();
    const Desc desc = grouped
                          ? Desc({l.groups, l.out / l.groups, l.in / l.groups, l.kernel, l.kernel},
                                 kF32, Tag::goihw)
                          : Desc({l.out, l.in, l.kernel, l.kernel}, kF32, Tag::oihw);
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
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::map<std::int64_t, Plan> plans_;  // by photos a pass: a power of two up to kBlock
  std::map<std::size_t, std::vector<dnnl::memory>> weights_;
  std::array<torch::Tensor, 3> buffers_;
  std::int64_t buffer_bytes_ = 0;
};

#else

class FastEncoder::Plans {
 public:
  torch::Tensor forward(const torch::Tensor&) { return {}; }
};

#endif

FastEncoder::FastEncoder(const Encoder& encoder, std::int64_t side_px) : encoder_(encoder) {
#ifdef PHOTOSCRIBE_ONEDNN
  const torch::Tensor& first = encoder.weight(0);
  if (first.device().is_cpu() && first.scalar_type() == torch::kFloat32 && side_px % 32 == 0)
    plans_ = std::make_unique<Plans>(encoder, side_px);
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
  return plans_ != nullptr ? "oneDNN" : "LibTorch";
}

}  // namespace photoscribe
