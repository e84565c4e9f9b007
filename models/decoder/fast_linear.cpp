#include "models/decoder/fast_linear.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#ifdef PHOTOSCRIBE_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>

#include "models/decoder/kernels.h"
#include "models/decoder/quantised.h"
#include "models/encoder/int8_layers.h"
#endif

namespace photoscribe {

#ifdef PHOTOSCRIBE_ONEDNN
namespace {

/// How many of `rows` to multiply at once. Few different numbers, since each needs a plan, which
/// takes a millisecond to make; and such that oneDNN 2.6 finds equal parts that fit AMX's tiles of
/// 16 rows: it reaches 147 instead of 750 GFLOP/s if there are no such parts (59 rows, 944).
std::int64_t rows_at_once(std::int64_t rows) {
  constexpr std::int64_t kTile = 16, kMost = 512;
  if (rows >= 4 * kTile) return std::min(rows - rows % (4 * kTile), kMost);
  return rows < kTile ? rows : rows - rows % (kTile / 2);
}

}  // namespace

class FastLinear::Plans {
 public:
  Plans(const torch::Tensor& weight, const torch::Tensor& bias, Precision precision)
      : precision_(precision),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        weight_(weight.detach().clone().contiguous()),
        bias_(bias.defined() ? bias.detach().clone().contiguous() : bias) {
    if (precision == Precision::int8) quantise();
  }

  void run(const torch::Tensor& x, const torch::Tensor& y, bool add) {
    if (precision_ == Precision::int8) return run_quantised(x, y, add);
    const torch::Tensor taken = precision_ == Precision::float32 ? x : rounded(x);
    const auto row_bytes = [](const torch::Tensor& t) {
      return t.size(1) * static_cast<std::int64_t>(t.element_size());
    };
    auto* from = static_cast<std::byte*>(taken.data_ptr());
    auto* to = static_cast<std::byte*>(y.data_ptr());
    for (std::int64_t left = x.size(0); left > 0;) {
      const std::int64_t rows = rows_at_once(left);
      Plan& plan = find(rows, add);
      plan.x.set_data_handle(from);
      plan.y.set_data_handle(to);
      plan.primitive.execute(stream_, plan.arguments);
      from += rows * row_bytes(taken);
      to += rows * row_bytes(y);
      left -= rows;
    }
    stream_.wait();
  }

 private:
  using Desc = dnnl::memory::desc;
  using Tag = dnnl::memory::format_tag;
  using Type = dnnl::memory::data_type;

  struct Plan {
    dnnl::inner_product_forward primitive;
    dnnl::memory x, y;
    std::unordered_map<int, dnnl::memory> arguments;
  };

  void quantise() {
    const Int8Weight narrowed = narrow(weight_);
    weight_ = narrowed.numbers;
    column_scale_ = at::tensor(narrowed.scales);
    offset_ = (weight_.sum(1, /*keepdim=*/false, torch::kInt32) * 128).contiguous();
  }

  /// Sums of a few rows at a time become numbers while they are still in the cache.
  void run_quantised(const torch::Tensor& x, const torch::Tensor& y, bool add) {
    const std::int64_t in = weight_.size(1), out = weight_.size(0), all = x.size(0);
    if (!bits_.defined() || bits_.size(0) < all) {
      bits_ = at::empty({all, in}, torch::kUInt8);
      row_scale_ = at::empty({all});
      sums_ = at::empty({rows_at_once(all), out}, torch::kInt32);
    }
    quantise_rows(all, in, x.data_ptr<float>(), bits_.data_ptr<std::uint8_t>(),
                  row_scale_.data_ptr<float>());
    for (std::int64_t done = 0; done < all;) {
      const std::int64_t rows = rows_at_once(all - done);
      Plan& plan = find(rows, false);
      plan.x.set_data_handle(bits_.data_ptr<std::uint8_t>() + done * in);
      plan.y.set_data_handle(sums_.data_ptr());
      plan.primitive.execute(stream_, plan.arguments);
      stream_.wait();
      const QuantisedProducts products{rows,
                                       out,
                                       sums_.data_ptr<std::int32_t>(),
                                       offset_.data_ptr<std::int32_t>(),
                                       row_scale_.data_ptr<float>() + done,
                                       column_scale_.data_ptr<float>()};
      float* const to = y.data_ptr<float>() + done * out;
      if (add) {
        add_products(products, to);
      } else {
        take_products(products, bias_.defined() ? bias_.data_ptr<float>() : nullptr, to);
      }
      done += rows;
    }
  }

  /// LibTorch's own conversion takes five times as long.
  static torch::Tensor rounded(const torch::Tensor& x) {
    torch::Tensor made = at::empty(x.sizes(), torch::kBFloat16);
    round_to_bfloat16(x.data_ptr<float>(), x.numel(), static_cast<std::uint16_t*>(made.data_ptr()));
    return made;
  }

  Plan& find(std::int64_t rows, bool add) {
    const auto key = std::pair(rows, add);
    const auto found = plans_.find(key);
    return found != plans_.end() ? found->second
                                 : plans_.emplace(key, make(rows, add)).first->second;
  }

  struct Types {
    Type x, weight, y;
  };
  [[nodiscard]] Types types() const {
    if (precision_ == Precision::int8) return {Type::u8, Type::s8, Type::s32};
    const Type type = precision_ == Precision::bfloat16 ? Type::bf16 : Type::f32;
    return {type, type, Type::f32};
  }

  /// int8 takes neither bias nor sum: both are of numbers.
  Plan make(std::int64_t rows, bool add) {
    const std::int64_t in = weight_.size(1), out = weight_.size(0);
    const Types type = types();
    const Desc x({rows, in}, type.x, Tag::nc), y({rows, out}, type.y, Tag::nc);
    const Desc weight({out, in}, type.weight, Tag::any), bias({out}, Type::f32, Tag::x);
    const bool biased = bias_.defined() && precision_ != Precision::int8;
    dnnl::primitive_attr attributes;
    if (add) {
      dnnl::post_ops after;
      after.append_sum(1.0F);
      attributes.set_post_ops(after);
    }
    constexpr auto kind = dnnl::prop_kind::forward_inference;
    using Primitive = dnnl::inner_product_forward;
#if DNNL_VERSION_MAJOR >= 3
    const auto described =
        biased ? Primitive::primitive_desc(engine_, kind, x, weight, bias, y, attributes)
               : Primitive::primitive_desc(engine_, kind, x, weight, y, attributes);
#else
    const auto described =
        biased ? Primitive::primitive_desc({kind, x, weight, bias, y}, attributes, engine_)
               : Primitive::primitive_desc({kind, x, weight, y}, attributes, engine_);
#endif
    Plan plan{Primitive(described), {x, engine_, nullptr}, {y, engine_, nullptr}, {}};
    plan.arguments = {{DNNL_ARG_SRC, plan.x},
                      {DNNL_ARG_WEIGHTS, packed(described.weights_desc())},
                      {DNNL_ARG_DST, plan.y}};
    if (biased)
      plan.arguments.emplace(DNNL_ARG_BIAS, dnnl::memory(bias, engine_, bias_.data_ptr()));
    return plan;
  }

  /// The weight in the layout that a plan needs; plans of other heights mostly share it.
  dnnl::memory packed(const Desc& wanted) {
    for (const dnnl::memory& made : packed_)
      if (made.get_desc() == wanted) return made;
    const Type type = precision_ == Precision::int8 ? Type::s8 : Type::f32;
    dnnl::memory plain(Desc({weight_.size(0), weight_.size(1)}, type, Tag::nc), engine_,
                       weight_.data_ptr());
    dnnl::memory made(wanted, engine_);
    dnnl::reorder(plain, made).execute(stream_, plain, made);
    stream_.wait();
    packed_.push_back(made);
    return made;
  }

  Precision precision_;  // of x and the weight; bias and y are float32
  dnnl::engine engine_;
  dnnl::stream stream_;
  torch::Tensor weight_, bias_;            // (N,K), int8 if the products are; (N)
  torch::Tensor column_scale_, offset_;    // (N) in int8
  torch::Tensor bits_, row_scale_, sums_;  // (M,K) (M) (M,N) in int8; grow, and are reused
  std::map<std::pair<std::int64_t, bool>, Plan> plans_;  // by rows
  std::vector<dnnl::memory> packed_;
};

#else

class FastLinear::Plans {
 public:
  void run(const torch::Tensor&, const torch::Tensor&, bool) {}
};

#endif

FastLinear::FastLinear() = default;
FastLinear::FastLinear(const torch::Tensor& weight, const torch::Tensor& bias,
                       [[maybe_unused]] Precision precision)
    : weight_t_(weight.t()), bias_(bias) {
#ifdef PHOTOSCRIBE_ONEDNN
  if (weight.device().is_cpu() && weight.scalar_type() == torch::kFloat32) {
    plans_ = std::make_unique<Plans>(weight, bias, precision);
    return;
  }
#endif
  weight_t_ = weight_t_.contiguous();
}
FastLinear::FastLinear(FastLinear&&) noexcept = default;
FastLinear& FastLinear::operator=(FastLinear&&) noexcept = default;
FastLinear::~FastLinear() = default;

torch::Tensor FastLinear::operator()(const torch::Tensor& x) const {
  if (plans_ == nullptr)
    return bias_.defined() ? at::addmm(bias_, x, weight_t_) : at::mm(x, weight_t_);
  torch::Tensor y = at::empty({x.size(0), weight_t_.size(1)}, x.options());
  plans_->run(x, y, false);
  return y;
}

void FastLinear::add_to(torch::Tensor& y, const torch::Tensor& x) const {
  if (plans_ != nullptr) {
    plans_->run(x, y, true);
  } else {
    y.addmm_(x, weight_t_);
  }
}

}  // namespace photoscribe
