#include "models/decoder/step_network.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "models/decoder/attend_tell_network.h"
#include "models/decoder/fast_linear.h"
#include "models/decoder/photo_annotator.h"
#include "models/decoder/plain_networks.h"
#include "models/decoder/step_parts.h"

namespace photoscribe {
namespace {

using torch::Tensor;

class TopDownNetwork final : public StepNetwork {
 public:
  TopDownNetwork(const TopDownParameters& p, Precision precision)
      : p_(p), annotator_(p, precision), words_(p, precision, p.concepts) {
    word_gates_ = at::linear(p.embedding, p.first_input, p.first_bias).contiguous();
    from_states_ = FastLinear(at::cat({p.first_hidden, p.first_second}, 1), {}, precision);
    from_first_ = FastLinear(at::cat({p.query_weight, p.second_first}),
                             at::cat({p.query_bias, p.second_bias}), precision);
    from_second_ = FastLinear(p.second_hidden, {}, precision);
    from_context_ = FastLinear(p.second_context, {}, precision);
    output_ = FastLinear(p.output_hidden, p.output_bias, precision);
  }

  Annotations annotate_photos(const Tensor& features, const Tensor& concepts) const override {
    Annotations a;
    annotator_.fill(features, concepts, a);
    a.fixed = at::linear(a.mean, p_.first_mean);
    a.h = at::zeros({features.size(0), 2 * p_.first_hidden.size(1)}, a.values.options());
    a.c = at::zeros_like(a.h);
    return a;
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c,
              Tensor* alpha) const override {
    const std::int64_t R = h.size(0), H = h.size(1) / 2, N = a.values.size(0),
                       A = p_.query_weight.size(0);
    Tensor h1, h2 = h.narrow(1, H, H).contiguous();
    Tensor c1 = c.narrow(1, 0, H).contiguous(), c2 = c.narrow(1, H, H).contiguous();
    Tensor gates = at::index_select(word_gates_, 0, tokens);
    gates.view({N, R / N, 4 * H}).add_(a.fixed.unsqueeze(1));
    from_states_.add_to(gates, h);
    advance_cell(gates, h1, c1);

    const Tensor fused = from_first_(h1);  // (R,A+4H)
    const Tensor weight = attend(a.keys, fused.narrow(1, 0, A), p_.score_weight);
    annotator_.set_grid_attention(weight, alpha);
    const Tensor context = weigh(weight, a.values);
    Tensor second = fused.narrow(1, A, 4 * H).contiguous();
    from_second_.add_to(second, h2);
    from_context_.add_to(second, context);
    advance_cell(second, h2, c2);

    h = at::cat({h1, h2}, 1);
    c = at::cat({c1, c2}, 1);
    Tensor out = output_(h2);
    return words_(out, a);
  }

 private:
  TopDownParameters p_;
  PhotoAnnotator annotator_;
  WordLayer words_;
  Tensor word_gates_;       // (V,4H) of each word: first_input x embedding + first_bias
  FastLinear from_states_;  // first LSTM (4H) of both states, side by side
  FastLinear from_first_;   // [query (A) | second LSTM (4H)] of the first state
  FastLinear from_second_, from_context_, output_;
};

class AttendOnAttendNetwork final : public StepNetwork {
 public:
  AttendOnAttendNetwork(const AttendOnAttendParameters& p, Precision precision)
      : p_(p), annotator_(p, precision), words_(p, precision, p.concepts) {
    word_gates_ = at::linear(p.embedding, p.cell_input, p.cell_bias).contiguous();
    from_states_ = FastLinear(at::cat({p.cell_hidden, p.cell_attended}, 1), {}, precision);
    from_hidden_ = FastLinear(at::cat({p.query_weight, p.information_query, p.gate_query}),
                              at::cat({p.query_bias, p.information_bias, p.gate_bias}), precision);
    from_context_ = FastLinear(at::cat({p.information_value, p.gate_value}), {}, precision);
    output_ = FastLinear(p.output_hidden, p.output_bias, precision);
  }

  Annotations annotate_photos(const Tensor& features, const Tensor& concepts) const override {
    Annotations a;
    annotator_.fill(features, concepts, a);
    a.fixed = at::linear(a.mean, p_.cell_mean);
    a.c = at::zeros({features.size(0), p_.cell_hidden.size(1)}, a.values.options());
    a.h = at::cat({a.c, a.c}, 1);
    return a;
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c,
              Tensor* alpha) const override {
    const std::int64_t R = h.size(0), H = c.size(1), N = a.values.size(0),
                       A = p_.query_weight.size(0);
    Tensor gates = at::index_select(word_gates_, 0, tokens);
    gates.view({N, R / N, 4 * H}).add_(a.fixed.unsqueeze(1));
    from_states_.add_to(gates, h);
    Tensor own;
    advance_cell(gates, own, c);

    const Tensor fused = from_hidden_(own);  // (R,A+2H)
    const Tensor weight = attend(a.keys, fused.narrow(1, 0, A), p_.score_weight);
    annotator_.set_grid_attention(weight, alpha);
    const Tensor context = weigh(weight, a.values);
    Tensor both = fused.narrow(1, A, 2 * H).contiguous();
    from_context_.add_to(both, context);
    Tensor attended = both.narrow(1, 0, H).contiguous();
    gate_context(attended, both.narrow(1, H, H));
    h = at::cat({own, attended}, 1);
    Tensor out = output_(attended);
    return words_(out, a);
  }

 private:
  AttendOnAttendParameters p_;
  PhotoAnnotator annotator_;
  WordLayer words_;
  Tensor word_gates_;       // (V,4H) of each word: cell_input x embedding + cell_bias
  FastLinear from_states_;  // the cell's gates (4H) of its state and what it attended to last
  FastLinear from_hidden_;  // [query (A) | information (H) | gate (H)] of the new state
  FastLinear from_context_, output_;
};

class ShowTellNetwork final : public StepNetwork {
 public:
  ShowTellNetwork(const ShowTellParameters& p, Precision precision) : p_(p), words_(p, precision) {
    word_gates_ = at::linear(p.embedding, p.cell_input, p.cell_bias).contiguous();
    from_hidden_ = FastLinear(p.cell_hidden, {}, precision);
    output_ = FastLinear(p.output_hidden, p.output_bias, precision);
  }

  Annotations annotate_photos(const Tensor& features, const Tensor& concepts) const override {
    return annotate(p_, features, 0, concepts);
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c,
              Tensor* /*alpha*/) const override {
    Tensor gates = at::index_select(word_gates_, 0, tokens);
    from_hidden_.add_to(gates, h);
    advance_cell(gates, h, c);
    Tensor out = output_(h);
    return words_(out, a);
  }

 private:
  ShowTellParameters p_;
  WordLayer words_;
  Tensor word_gates_;  // (V,4H) of each word: cell_input x embedding + cell_bias
  FastLinear from_hidden_, output_;
};

/// Of an ensemble: the mean of the members' shares of the grid, of those with the first one's grid.
class MeanAttention {
 public:
  void add(const Tensor& weights) {  // (R,L)
    if (sum_.defined() && sum_.sizes() != weights.sizes()) return;
    const Tensor shares = weights / weights.sum(1, true).clamp_min(1e-20);
    sum_ = sum_.defined() ? sum_ + shares : shares;
    ++members_;
  }
  [[nodiscard]] Tensor mean() const { return sum_.defined() ? sum_ / members_ : sum_; }

 private:
  Tensor sum_;
  int members_ = 0;
};

class EnsembleNetwork final : public StepNetwork {
 public:
  EnsembleNetwork(const std::vector<DecoderParameters>& members, Precision precision) {
    for (const DecoderParameters& one : members) {
      networks_.push_back(make_step_network(one, precision));
      channels_.push_back(feature_channels_of(one));
    }
  }

  Annotations annotate_photos(const Tensor& features, const Tensor& concepts) const override {
    Annotations all;
    std::vector<Tensor> h, c;
    const auto own = features.split_with_sizes(channels_, 2);
    for (std::size_t i = 0; i < networks_.size(); ++i) {
      all.members.push_back(networks_[i]->annotate_photos(own[i].contiguous(), concepts));
      h.push_back(all.members.back().h);
      c.push_back(all.members.back().c);
    }
    all.h = at::cat(h, 1);
    all.c = at::cat(c, 1);
    // The photo's concepts and novelty are reported from the first member; each uses its own.
    all.concepts = all.members.front().concepts;
    all.novelty = all.members.front().novelty;
    return all;
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c,
              Tensor* alpha) const override {
    std::vector<Tensor> log_p, next_h, next_c;
    MeanAttention attention;
    std::int64_t h_at = 0, c_at = 0;
    for (std::size_t i = 0; i < networks_.size(); ++i) {
      const std::int64_t h_size = a.members[i].h.size(1), c_size = a.members[i].c.size(1);
      Tensor own_h = h.narrow(1, h_at, h_size).contiguous();
      Tensor own_c = c.narrow(1, c_at, c_size).contiguous();
      Tensor weights;
      log_p.push_back(networks_[i]->step(a.members[i], tokens, own_h, own_c,
                                         alpha == nullptr ? nullptr : &weights));
      if (weights.defined()) attention.add(weights);
      next_h.push_back(own_h);
      next_c.push_back(own_c);
      h_at += h_size;
      c_at += c_size;
    }
    h = at::cat(next_h, 1);
    c = at::cat(next_c, 1);
    if (alpha != nullptr) *alpha = attention.mean();
    return at::logsumexp(at::stack(log_p), 0) - std::log(static_cast<double>(networks_.size()));
  }

 private:
  std::vector<std::unique_ptr<StepNetwork>> networks_;
  std::vector<std::int64_t> channels_;  // of each member's features
};

std::unique_ptr<StepNetwork> make(const AttendTellParameters& p, Precision precision) {
  return make_attend_tell(p, precision);
}
std::unique_ptr<StepNetwork> make(const TopDownParameters& p, Precision precision) {
  return std::make_unique<TopDownNetwork>(p, precision);
}
std::unique_ptr<StepNetwork> make(const AttendOnAttendParameters& p, Precision precision) {
  return std::make_unique<AttendOnAttendNetwork>(p, precision);
}
std::unique_ptr<StepNetwork> make(const ShowTellParameters& p, Precision precision) {
  return std::make_unique<ShowTellNetwork>(p, precision);
}
template <class Plain>
std::unique_ptr<StepNetwork> make(const Plain& p, Precision precision) {
  return make_plain_network(p, precision);
}

}  // namespace

std::unique_ptr<StepNetwork> make_step_network(const DecoderParameters& parameters,
                                               Precision precision) {
  const torch::NoGradGuard no_grad;
  return std::visit([&](const auto& p) { return make(p, precision); }, parameters);
}

std::int64_t feature_channels_of(const DecoderParameters& member) {
  return std::visit(
      []<class P>(const P& p) {
        if constexpr (requires { p.annotate_weight; }) {
          return p.annotate_weight.size(1);
        } else if constexpr (requires { p.photo_weight; }) {
          return p.photo_weight.size(1);
        } else {
          return p.key_weight.size(1);
        }
      },
      member);
}

std::unique_ptr<StepNetwork> make_ensemble(const std::vector<DecoderParameters>& members,
                                           Precision precision) {
  const torch::NoGradGuard no_grad;
  return std::make_unique<EnsembleNetwork>(members, precision);
}

}  // namespace photoscribe
