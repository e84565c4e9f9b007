#include "models/decoder/step_network.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "models/decoder/fast_linear.h"
#include "models/decoder/plain_networks.h"
#include "models/decoder/step_parts.h"

namespace photoscribe {
namespace {

using torch::Tensor;

/// What decoders with attention do before the first word.
class Looking {
 public:
  Looking(const AttentionParameters& p, Precision precision)
      : p_(p),
        annotate_(p.annotate_weight, p.annotate_bias, precision),
        key_(p.key_weight, {}, precision) {
    if (p.concepts.defined())
      concept_ = FastLinear(p.concepts.value_weight, p.concepts.value_bias, precision);
  }

  void look(const Tensor& features, const Tensor& concepts, Annotations& a) const {
    const Tensor grid = pool_grid(features, p_.grid_side);
    const std::int64_t N = grid.size(0), L = grid.size(1);
    a.values = annotate_(grid.reshape({N * L, -1})).relu_().view({N, L, -1});
    a.mean = a.values.mean(1);
    if (p_.concepts.defined()) {
      const Tensor standardised = standardise(p_.concepts, features);
      a.novelty = standardised.to(torch::kFloat32).square().mean(1);
      a.concepts = concepts.defined() ? concepts : detect(p_.concepts, standardised);
      a.odds = concept_odds(p_.concepts, a.concepts);
      const Tensor named = name_concepts(p_, a.concepts);
      const Tensor seen = concept_(named.flatten(0, 1)).view({N, named.size(1), -1});
      a.values = at::cat({a.values, seen}, 1);
      a.mean = a.mean + seen.mean(1);
    }
    const std::int64_t annotations = a.values.size(1);
    a.keys = key_(a.values.view({N * annotations, -1})).view({N, annotations, -1});
  }

 private:
  AttentionParameters p_;
  FastLinear annotate_, key_, concept_;
};

class AttendTellNetwork final : public StepNetwork {
 public:
  AttendTellNetwork(const AttendTellParameters& p, Precision precision)
      : p_(p), looking_(p, precision), words_(p, precision, p.concepts) {
    word_gates_ = at::linear(p.embedding, p.cell_input, p.cell_bias).contiguous();
    word_output_ = (p.embedding + p.output_bias).contiguous();
    from_hidden_ =
        FastLinear(at::cat({p.query_weight, p.gate_weight, p.cell_hidden}),
                   at::cat({p.query_bias, p.gate_bias, at::zeros_like(p.cell_bias)}), precision);
    from_context_ = FastLinear(p.cell_context, {}, precision);
    output_hidden_ = FastLinear(p.output_hidden, {}, precision);
    output_context_ = FastLinear(p.output_context, {}, precision);
  }

  Annotations look(const Tensor& features, const Tensor& concepts) const override {
    Annotations a;
    looking_.look(features, concepts, a);
    const auto start = at::tanh(at::linear(a.mean, p_.start_weight, p_.start_bias)).chunk(2, 1);
    a.h = start[0].contiguous();
    a.c = start[1].contiguous();
    return a;
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c) const override {
    const std::int64_t H = h.size(1), A = p_.query_weight.size(0), D = p_.gate_weight.size(0);
    const Tensor fused = from_hidden_(h);
    const Tensor weight = attend(a.keys, fused.narrow(1, 0, A), p_.score_weight);
    Tensor context = weigh(weight, a.values);
    gate_context(context, fused.narrow(1, A, D));
    Tensor gates = at::index_select(word_gates_, 0, tokens);
    gates.add_(fused.narrow(1, A + D, 4 * H));
    from_context_.add_to(gates, context);
    advance_cell(gates, h, c);
    Tensor out = at::index_select(word_output_, 0, tokens);
    output_hidden_.add_to(out, h);
    output_context_.add_to(out, context);
    return words_(out, a);
  }

 private:
  AttendTellParameters p_;
  Looking looking_;
  WordLayer words_;
  Tensor word_gates_;       // (V,4H) of each word: cell_input x embedding + cell_bias
  Tensor word_output_;      // (V,E) of each word: embedding + output_bias
  FastLinear from_hidden_;  // [query (A) | gate (D) | cell (4H)] of h
  FastLinear from_context_, output_hidden_, output_context_;
};

class TopDownNetwork final : public StepNetwork {
 public:
  TopDownNetwork(const TopDownParameters& p, Precision precision)
      : p_(p), looking_(p, precision), words_(p, precision, p.concepts) {
    word_gates_ = at::linear(p.embedding, p.first_input, p.first_bias).contiguous();
    from_states_ = FastLinear(at::cat({p.first_hidden, p.first_second}, 1), {}, precision);
    from_first_ = FastLinear(at::cat({p.query_weight, p.second_first}),
                             at::cat({p.query_bias, p.second_bias}), precision);
    from_second_ = FastLinear(p.second_hidden, {}, precision);
    from_context_ = FastLinear(p.second_context, {}, precision);
    output_ = FastLinear(p.output_hidden, p.output_bias, precision);
  }

  Annotations look(const Tensor& features, const Tensor& concepts) const override {
    Annotations a;
    looking_.look(features, concepts, a);
    a.fixed = at::linear(a.mean, p_.first_mean);
    a.h = at::zeros({features.size(0), 2 * p_.first_hidden.size(1)}, a.values.options());
    a.c = at::zeros_like(a.h);
    return a;
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c) const override {
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
  Looking looking_;
  WordLayer words_;
  Tensor word_gates_;       // (V,4H) of each word: first_input x embedding + first_bias
  FastLinear from_states_;  // first LSTM (4H) of both states, side by side
  FastLinear from_first_;   // [query (A) | second LSTM (4H)] of the first state
  FastLinear from_second_, from_context_, output_;
};

class AttendOnAttendNetwork final : public StepNetwork {
 public:
  AttendOnAttendNetwork(const AttendOnAttendParameters& p, Precision precision)
      : p_(p), looking_(p, precision), words_(p, precision, p.concepts) {
    word_gates_ = at::linear(p.embedding, p.cell_input, p.cell_bias).contiguous();
    from_states_ = FastLinear(at::cat({p.cell_hidden, p.cell_attended}, 1), {}, precision);
    from_hidden_ = FastLinear(at::cat({p.query_weight, p.information_query, p.gate_query}),
                              at::cat({p.query_bias, p.information_bias, p.gate_bias}), precision);
    from_seen_ = FastLinear(at::cat({p.information_value, p.gate_value}), {}, precision);
    output_ = FastLinear(p.output_hidden, p.output_bias, precision);
  }

  Annotations look(const Tensor& features, const Tensor& concepts) const override {
    Annotations a;
    looking_.look(features, concepts, a);
    a.fixed = at::linear(a.mean, p_.cell_mean);
    a.c = at::zeros({features.size(0), p_.cell_hidden.size(1)}, a.values.options());
    a.h = at::cat({a.c, a.c}, 1);
    return a;
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c) const override {
    const std::int64_t R = h.size(0), H = c.size(1), N = a.values.size(0),
                       A = p_.query_weight.size(0);
    Tensor gates = at::index_select(word_gates_, 0, tokens);
    gates.view({N, R / N, 4 * H}).add_(a.fixed.unsqueeze(1));
    from_states_.add_to(gates, h);
    Tensor own;
    advance_cell(gates, own, c);

    const Tensor asked = from_hidden_(own);  // (R,A+2H)
    const Tensor weight = attend(a.keys, asked.narrow(1, 0, A), p_.score_weight);
    const Tensor seen = weigh(weight, a.values);
    Tensor both = asked.narrow(1, A, 2 * H).contiguous();
    from_seen_.add_to(both, seen);
    Tensor attended = both.narrow(1, 0, H).contiguous();
    gate_context(attended, both.narrow(1, H, H));
    h = at::cat({own, attended}, 1);
    Tensor out = output_(attended);
    return words_(out, a);
  }

 private:
  AttendOnAttendParameters p_;
  Looking looking_;
  WordLayer words_;
  Tensor word_gates_;       // (V,4H) of each word: cell_input x embedding + cell_bias
  FastLinear from_states_;  // the cell's gates (4H) of its state and what it attended to last
  FastLinear from_hidden_;  // [query (A) | information (H) | gate (H)] of the new state
  FastLinear from_seen_, output_;
};

class ShowTellNetwork final : public StepNetwork {
 public:
  ShowTellNetwork(const ShowTellParameters& p, Precision precision) : p_(p), words_(p, precision) {
    word_gates_ = at::linear(p.embedding, p.cell_input, p.cell_bias).contiguous();
    from_hidden_ = FastLinear(p.cell_hidden, {}, precision);
    output_ = FastLinear(p.output_hidden, p.output_bias, precision);
  }

  Annotations look(const Tensor& features, const Tensor& concepts) const override {
    return annotate(p_, features, 0, concepts);
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c) const override {
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

class EnsembleNetwork final : public StepNetwork {
 public:
  EnsembleNetwork(const std::vector<DecoderParameters>& members, Precision precision) {
    for (const DecoderParameters& one : members) {
      networks_.push_back(make_step_network(one, precision));
      channels_.push_back(feature_channels_of(one));
    }
  }

  Annotations look(const Tensor& features, const Tensor& concepts) const override {
    Annotations all;
    std::vector<Tensor> h, c;
    const auto own = features.split_with_sizes(channels_, 2);
    for (std::size_t i = 0; i < networks_.size(); ++i) {
      all.members.push_back(networks_[i]->look(own[i].contiguous(), concepts));
      h.push_back(all.members.back().h);
      c.push_back(all.members.back().c);
    }
    all.h = at::cat(h, 1);
    all.c = at::cat(c, 1);
    // What is told of the photo is the first member's; each speaks by its own.
    all.concepts = all.members.front().concepts;
    all.novelty = all.members.front().novelty;
    return all;
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c) const override {
    std::vector<Tensor> log_p, next_h, next_c;
    std::int64_t h_at = 0, c_at = 0;
    for (std::size_t i = 0; i < networks_.size(); ++i) {
      const std::int64_t h_size = a.members[i].h.size(1), c_size = a.members[i].c.size(1);
      Tensor own_h = h.narrow(1, h_at, h_size).contiguous();
      Tensor own_c = c.narrow(1, c_at, c_size).contiguous();
      log_p.push_back(networks_[i]->step(a.members[i], tokens, own_h, own_c));
      next_h.push_back(own_h);
      next_c.push_back(own_c);
      h_at += h_size;
      c_at += c_size;
    }
    h = at::cat(next_h, 1);
    c = at::cat(next_c, 1);
    return at::logsumexp(at::stack(log_p), 0) - std::log(static_cast<double>(networks_.size()));
  }

 private:
  std::vector<std::unique_ptr<StepNetwork>> networks_;
  std::vector<std::int64_t> channels_;  // of each member's features
};

std::unique_ptr<StepNetwork> make(const AttendTellParameters& p, Precision precision) {
  return std::make_unique<AttendTellNetwork>(p, precision);
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
