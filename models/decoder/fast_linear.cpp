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
      : type_(precision == Precision::bfloat16 ? dnnl::memory::data_type::bf16 : kF32),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        weight_(weight.detach().clone().contiguous()),
        bias_(bias.defined() ? bias.detach().clone().contiguous() : bias) {}

  void run(const torch::Tensor& x, const torch::Tensor& y, bool add) {
    const torch::Tensor taken = type_ == kF32 ? x : rounded(x);
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
  static constexpr auto kF32 = dnnl::memory::data_type::f32;

  struct Plan {
    dnnl::inner_product_forward primitive;
    dnnl::memory x, y;
    std::unordered_map<int, dnnl::memory> arguments;
  };

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

  Plan make(std::int64_t rows, bool add) {
    const std::int64_t in = weight_.size(1), out = weight_.size(0);
    const Desc x({rows, in}, type_, Tag::nc), y({rows, out}, kF32, Tag::nc);
    const Desc weight({out, in}, type_, Tag::any), bias({out}, kF32, Tag::x);
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
        bias_.defined() ? Primitive::primitive_desc(engine_, kind, x, weight, bias, y, attributes)
                        : Primitive::primitive_desc(engine_, kind, x, weight, y, attributes);
#else
    const auto described =
        bias_.defined() ? Primitive::primitive_desc({kind, x, weight, bias, y}, attributes, engine_)
                        : Primitive::primitive_desc({kind, x, weight, y}, attributes, engine_);
#endif
    Plan plan{Primitive(described), {x, engine_, nullptr}, {y, engine_, nullptr}, {}};
    plan.arguments = {{DNNL_ARG_SRC, plan.x},
                      {DNNL_ARG_WEIGHTS, packed(described.weights_desc())},
                      {DNNL_ARG_DST, plan.y}};
    if (bias_.defined())
      plan.arguments.emplace(DNNL_ARG_BIAS, dnnl::memory(bias, engine_, bias_.data_ptr()));
    return plan;
  }

  /// The weight in the layout that a plan needs; plans of other heights mostly share it.
  dnnl::memory packed(const Desc& wanted) {
    for (const dnnl::memory& made : packed_)
      if (made.get_desc() == wanted) return made;
    dnnl::memory plain(Desc({weight_.size(0), weight_.size(1)}, kF32, Tag::nc), engine_,
                       weight_.data_ptr());
    dnnl::memory made(wanted, engine_);
    dnnl::reorder(plain, made).execute(stream_, plain, made);
    stream_.wait();
    packed_.push_back(made);
    return made;
  }

  dnnl::memory::data_type type_;  // of x and the weight; sums, bias and y are float32
  dnnl::engine engine_;
  dnnl::stream stream_;
  torch::Tensor weight_, bias_;
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
