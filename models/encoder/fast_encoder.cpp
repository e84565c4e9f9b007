#include "models/encoder/fast_encoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#ifdef PHOTOSCRIBE_ONEDNN
#include "models/encoder/int8_layers.h"
#include "models/encoder/layer_loops.h"
#include "models/encoder/onednn_layers.h"
#include "models/encoder/onednn_loops.h"
#include "models/encoder/onednn_weights.h"
#endif

namespace photoscribe {

#ifdef PHOTOSCRIBE_ONEDNN

class FastEncoder::Plans {
  using Desc = onednn::Desc;
  using Tag = onednn::Tag;
  using Type = onednn::Type;
  static constexpr auto kF32 = onednn::kF32;

 public:
  Plans(const Encoder& encoder, std::int64_t side, Precision precision, const Int8Scales& scales)
      : encoder_(encoder),
        side_(side),
        precision_(precision),
        type_(type_of(precision, encoder.layers())),
        loops_(encoder.layers(), precision),
        scales_(scales),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        weights_(encoder, engine_, is_fixed()) {
    if (precision == Precision::int8) check_int8(encoder.layers());
  }

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
    if (precision_ == Precision::int8) return "oneDNN int8";
    return type_ == kF32 ? "oneDNN" : "oneDNN bfloat16";
  }

 private:
  static Type type_of(Precision precision, const std::vector<EncoderLayer>& layers) {
    switch (precision) {
      case Precision::bfloat16:
        return Type::bf16;
      case Precision::int8:
        return have_fixed_scales(layers) ? Type::s8 : Type::bf16;
      default:
        return kF32;
    }
  }
  /// In integers from layer to layer (int8_layers.h).
  [[nodiscard]] bool is_fixed() const noexcept { return type_ == Type::s8; }

  /// Photos per pass. Larger passes push the activations out of the caches.
  [[nodiscard]] std::int64_t block() const noexcept { return side_ <= 256 ? 4 : 2; }

  struct Step {
    dnnl::primitive primitive;
    onednn::Arguments arguments;
    dnnl::memory activated;      // then by silu
    std::function<void()> loop;  // in place of the primitive
  };
  struct Plan {
    std::vector<Step> steps;
    dnnl::memory input, output;  // their data are the caller's
  };
  /// A plan under construction: the three values of encoder_layers.h and the sides of two of them.
  struct Draft {
    Plan plan;
    std::int64_t photos = 0, side = 0, shortcut_side = 0;
    dnnl::memory main, shortcut, gate;
    float main_scale = 1, shortcut_scale = 1;  // of integers; else 1
  };

  void run(Plan& plan, float* images, float* features) {
    plan.input.set_data_handle(images);
    plan.output.set_data_handle(features);
    for (const Step& step : plan.steps) {
      if (!step.loop) step.primitive.execute(stream_, step.arguments);
      if (!step.loop && !step.activated) continue;
      stream_.wait();
      if (step.loop) step.loop();
      if (step.activated) onednn::activate(step.activated);
    }
    stream_.wait();
  }

  Plan& plan(std::int64_t photos) {
    const auto found = plans_.find(photos);
    return found != plans_.end() ? found->second
                                 : plans_.emplace(photos, make(photos)).first->second;
  }

  /// A buffer of at least `bytes` that is neither `a` nor `b`: every plan alternates between three.
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
        d.shortcut_scale = d.main_scale;
      }
      switch (layers[i].kind) {
        case LayerKind::convolution:
          if (loops_.is_depthwise(i)) {
            add_depthwise(d, i);
          } else if (loops_.is_pointwise(i)) {
            if (!loops_.is_expanded_by_next(i)) add_pointwise(d, i);
          } else {
            add_convolution(d, i, i + 1 == layers.size());
          }
          break;
        case LayerKind::max_pool:
          add_max_pool(d, layers[i], i + 1 == layers.size());
          break;
        case LayerKind::mean:
          if (!loops_.is_depthwise(i - 1)) add_mean(d, layers[i]);  // else the loop computes it
          break;
        case LayerKind::scale:
          if (!loops_.is_pointwise(i + 1)) add_scale(d);  // else the loop multiplies by it
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
    // Given the choice, oneDNN's kernels for AVX2 choose another layout than their input's, and
    // then do not accept that; those for AVX-512 choose this one.
    const Desc fresh({d.photos, layer.out, out, out}, last ? kF32 : output_type(layer), Tag::nhwc);
    // A residual sum overwrites the shortcut, which is no longer needed.
    const bool over = layer.adds_residual && !last;
    const float to_scale = is_fixed() && !last ? scale_of(scales_, layer) : 1;
    float& from_scale = shortcut ? d.shortcut_scale : d.main_scale;
    std::optional<onednn::Rescaling> rescaling;
    if (is_fixed()) rescaling = rescale(d, i, from_scale, to_scale, last);
    const auto described =
        onednn::describe(engine_, type_, layer, side, from.get_desc(),
                         over && !is_fixed() ? d.shortcut.get_desc() : fresh, rescaling);
    dnnl::memory to;
    if (gate) {
      to = dnnl::memory(described.dst_desc(), engine_);  // a few numbers
    } else if (over) {
      to = {described.dst_desc(), engine_, d.shortcut.get_data_handle()};
    } else {
      to = place(d, described.dst_desc(), last);
    }
    if (layer.adds_residual && last) {  // the sum happens where the caller wants it
      add_reorder(d, d.shortcut, to, d.shortcut_scale);
    }
    onednn::Arguments arguments{
        {DNNL_ARG_SRC, from},
        {DNNL_ARG_WEIGHTS, weights_.weight(i, described.weights_desc())},
        {DNNL_ARG_BIAS, rescaling ? weights_.bias(i, *rescaling, to_scale) : weights_.bias(i)},
        {DNNL_ARG_DST, to}};
    if (rescaling) onednn::add_scales(engine_, *rescaling, arguments);
    add_step(d, dnnl::convolution_forward(described), std::move(arguments));
    if (layer.activation == Activation::silu && !loops_.leaves_silu(i))
      d.plan.steps.back().activated = to;
    from = to;
    if (!gate) from_scale = to_scale;
    if (shortcut) d.shortcut_side = out;
    if (layer.lane == Lane::main) d.side = out;
    if (layer.adds_residual) d.shortcut = {};
  }

  void add_depthwise(Draft& d, std::size_t i) {
    const EncoderLayer& layer = encoder_.layers()[i];
    const torch::Tensor weight = encoder_.weight(i).contiguous();
    const Depthwise& loop =
        depthwise_
            .try_emplace(i, layer, d.side,
                         loops_.leaves_silu(i - 1) ? Activation::silu : Activation::none,
                         weight.data_ptr<float>(), encoder_.bias(i).data_ptr<float>())
            .first->second;
    const std::int64_t out = padding_of(layer, d.side).out;
    const dnnl::memory to =
        place(d, Desc({d.photos, layer.out, out, out}, type_, Tag::nhwc), false);
    dnnl::memory mean;
    if (encoder_.layers()[i + 1].kind == LayerKind::mean)
      mean = d.gate = dnnl::memory(Desc({d.photos, layer.out, 1, 1}, type_, Tag::nhwc), engine_);
    const Pointwise* const expand = loops_.is_expanded_by_next(i - 1) ? &pointwise(i - 1) : nullptr;
    d.plan.steps.emplace_back().loop = onednn::depthwise_loop(loop, expand, d.main, to, mean);
    d.main = to;
    d.side = out;
  }

  const Pointwise& pointwise(std::size_t i) {
    const auto found = pointwise_.find(i);
    if (found != pointwise_.end()) return found->second;
    const Pointwise made(encoder_.layers()[i], narrow(encoder_.weight(i)),
                         encoder_.bias(i).data_ptr<float>());
    return pointwise_.emplace(i, made).first->second;
  }

  void add_pointwise(Draft& d, std::size_t i) {
    const EncoderLayer& layer = encoder_.layers()[i];
    const bool last = i + 1 == encoder_.layers().size();
    const Desc fresh({d.photos, layer.out, d.side, d.side}, last ? kF32 : type_, Tag::nhwc);
    const bool gated = encoder_.layers()[i - 1].kind == LayerKind::scale;
    const dnnl::memory to = layer.adds_residual ? d.shortcut : place(d, fresh, last);
    d.plan.steps.emplace_back().loop =
        onednn::pointwise_loop(pointwise(i), d.main, gated ? d.gate : dnnl::memory(),
                               layer.adds_residual ? d.shortcut : dnnl::memory(), to);
    d.main = to;
    if (layer.adds_residual) d.shortcut = {};
  }

  void add_max_pool(Draft& d, const EncoderLayer& layer, bool last) {
    const std::int64_t out = padding_of(layer, d.side).out;
    const bool as_told = last && type_ == kF32;  // pooling keeps the type
    const Desc any({d.photos, layer.out, out, out}, onednn::type_of(d.main), Tag::nhwc);
    const auto described = onednn::describe_pool(engine_, layer, d.side, d.main.get_desc(), any);
    const dnnl::memory to = place(d, described.dst_desc(), as_told);
    add_step(d, dnnl::pooling_forward(described), {{DNNL_ARG_SRC, d.main}, {DNNL_ARG_DST, to}});
    d.main = to;
    d.side = out;
    if (last && !as_told)
      add_reorder(d, to, place(d, Desc({d.photos, layer.out, out, out}, kF32, Tag::nhwc), true),
                  d.main_scale);
  }

  void add_mean(Draft& d, const EncoderLayer& layer) {
    const Desc any({d.photos, layer.out, 1, 1}, type_, Tag::any);
    const auto described = onednn::describe_pool(engine_, layer, d.side, d.main.get_desc(), any);
    d.gate = dnnl::memory(described.dst_desc(), engine_);
    add_step(d, dnnl::pooling_forward(described), {{DNNL_ARG_SRC, d.main}, {DNNL_ARG_DST, d.gate}});
  }

  void add_scale(Draft& d) {
    if (auto loop = onednn::scale_loop(d.main, d.gate)) {
      d.plan.steps.emplace_back().loop = std::move(loop);
      return;
    }
    const auto described = onednn::describe_scale(engine_, d.main.get_desc(), d.gate.get_desc());
    add_step(d, dnnl::binary(described),
             {{DNNL_ARG_SRC_0, d.main}, {DNNL_ARG_SRC_1, d.gate}, {DNNL_ARG_DST, d.main}});
  }

  /// Converts the photos to the type of the products.
  void add_rounding(Draft& d) {
    const Desc rounded({d.photos, 3, side_, side_}, type_, Tag::nhwc);
    const dnnl::memory to = place(d, rounded, false);
    if (is_fixed()) d.main_scale = scales_.photos;
    add_reorder(d, d.main, to, 1 / d.main_scale);
    d.main = to;
  }

  void add_reorder(Draft& d, const dnnl::memory& from, const dnnl::memory& to, float factor) {
    onednn::Arguments arguments{{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    onednn::add_factor(engine_, factor, arguments);
    const auto described =
        onednn::describe_reorder(engine_, from.get_desc(), to.get_desc(), factor);
    add_step(d, dnnl::reorder(described), std::move(arguments));
  }

  static void add_step(Draft& d, const dnnl::primitive& primitive, onednn::Arguments arguments) {
    d.plan.steps.push_back({primitive, std::move(arguments), {}, {}});
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

  /// The type of a layer's output.
  [[nodiscard]] Type output_type(const EncoderLayer& layer) const noexcept {
    return is_fixed() && is_unsigned(layer) ? Type::u8 : type_;
  }

  /// The rescaling of layer i from the scale `from` to `to`. For an output in float32 the shortcut
  /// is float32, too.
  onednn::Rescaling rescale(const Draft& d, std::size_t i, float from, float to, bool last) {
    onednn::Rescaling made;
    for (const float weight : weights_.narrowed(i).scales) made.sums.push_back(from * weight / to);
    if (!encoder_.layers()[i].adds_residual) return made;
    made.shortcut = last ? 1 : d.shortcut_scale / to;
    made.shortcut_type = last ? kF32 : onednn::type_of(d.shortcut);
    return made;
  }

  Encoder encoder_;
  std::int64_t side_;
  Precision precision_;
  Type type_;  // of weights and activations; photos, biases and features are float32
  LayerLoops loops_;
  Int8Scales scales_;  // of integers
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::map<std::int64_t, Plan> plans_;  // by photos per pass: a power of two up to block()
  onednn::Weights weights_;
  std::map<std::size_t, Depthwise> depthwise_;  // by layer
  std::map<std::size_t, Pointwise> pointwise_;  // by layer
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
                         [[maybe_unused]] Precision precision,
                         [[maybe_unused]] const Int8Scales& scales)
    : encoder_(encoder) {
#ifdef PHOTOSCRIBE_ONEDNN
  const torch::Tensor& first = encoder.weight(0);
  if (first.device().is_cpu() && first.scalar_type() == torch::kFloat32 && side_px % 32 == 0)
    plans_ = std::make_unique<Plans>(encoder, side_px, precision, scales);
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
