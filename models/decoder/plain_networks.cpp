#include "models/decoder/plain_networks.h"

#include <ATen/ATen.h>

#include "models/decoder/cells.h"
#include "models/decoder/step_parts.h"

namespace photoscribe {
namespace {

using torch::Tensor;

class PlainAttendNetwork final : public StepNetwork {
 public:
  PlainAttendNetwork(const PlainAttendParameters& p, Precision precision)
      : p_(p), words_(p, precision) {
    word_gates_ = at::linear(p.embedding, p.cell_input, p.cell_bias).contiguous();
    std::vector<Tensor> weights{p.query_weight, p.cell_hidden},
        biases{p.query_bias, at::zeros_like(p.cell_bias)};
    if (p.gated) {
      weights.push_back(p.gate_weight);
      biases.push_back(p.gate_bias);
    }
    from_hidden_ = FastLinear(at::cat(weights), at::cat(biases), precision);
    from_context_ = FastLinear(p.cell_context, {}, precision);
  }

  Annotations annotate_photos(const Tensor& features, const Tensor&) const override {
    return annotate(p_, features);
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c,
              Tensor* alpha) const override {
    const std::int64_t H = h.size(1), A = p_.query_weight.size(0), D = a.values.size(2);
    const Tensor fused = from_hidden_(h);  // (R,A+4H+D)
    const Tensor weight = attend(a.keys, fused.narrow(1, 0, A), p_.score_weight,
                                 p_.gated ? Energy::relu : Energy::tanh);
    set_attention(weight, 0, alpha);
    Tensor context = weigh(weight, a.values);
    if (p_.gated) context.mul_(at::sigmoid(fused.narrow(1, A + 4 * H, D)));
    Tensor gates = at::index_select(word_gates_, 0, tokens);
    gates.add_(fused.narrow(1, A, 4 * H));
    from_context_.add_to(gates, context);
    advance_cell(gates, h, c);
    return words_.plain(h);
  }

 private:
  PlainAttendParameters p_;
  WordLayer words_;
  Tensor word_gates_;       // (V,4H) of each word: cell_input x embedding + cell_bias
  FastLinear from_hidden_;  // [query (A) | cell (4H) | gate (D)] of h
  FastLinear from_context_;
};

class AttendInNetwork final : public StepNetwork {
 public:
  AttendInNetwork(const AttendInParameters& p, Precision precision) : p_(p), words_(p, precision) {
    word_gates_ = at::linear(p.embedding, p.cell_input, p.cell_bias).contiguous();
    from_hidden_ = FastLinear(at::cat({p.query_weight, p.cell_hidden}),
                              at::cat({p.query_bias, at::zeros_like(p.cell_bias)}), precision);
    choice_ = FastLinear(p.cell_choice, {}, precision);
  }

  Annotations annotate_photos(const Tensor& features, const Tensor&) const override {
    return annotate(p_, features);
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c,
              Tensor* alpha) const override {
    const std::int64_t H = h.size(1), A = p_.query_weight.size(0);
    const Tensor fused = from_hidden_(h);  // (R,A+5H)
    const Tensor weight = attend(a.keys, fused.narrow(1, 0, A), p_.score_weight);
    set_attention(weight, 0, alpha);
    const Tensor context = weigh(weight, a.values);
    Tensor gates = at::index_select(word_gates_, 0, tokens);
    gates.add_(fused.narrow(1, A, 5 * H));
    gates.narrow(1, 3 * H, 2 * H).add_(choice_(context));
    maxout_lstm(gates, h, c);
    return words_.plain(h);
  }

 private:
  AttendInParameters p_;
  WordLayer words_;
  Tensor word_gates_;       // (V,5H) of each word: cell_input x embedding + cell_bias
  FastLinear from_hidden_;  // [query (A) | cell (5H)] of h
  FastLinear choice_;
};

class PlainShowTellNetwork final : public StepNetwork {
 public:
  PlainShowTellNetwork(const PlainShowTellParameters& p, Precision precision)
      : p_(p), words_(p, precision) {
    word_gates_ = at::linear(p.embedding, p.cell_input, p.cell_bias).contiguous();
    from_hidden_ = FastLinear(p.cell_hidden, {}, precision);
  }

  Annotations annotate_photos(const Tensor& features, const Tensor&) const override {
    return annotate(p_, features);
  }

  Tensor step(const Annotations&, const Tensor& tokens, Tensor& h, Tensor& c,
              Tensor* /*alpha*/) const override {
    Tensor gates = at::index_select(word_gates_, 0, tokens);
    from_hidden_.add_to(gates, h);
    if (p_.maxout) {
      maxout_lstm(gates, h, c);
    } else {
      advance_cell(gates, h, c);
    }
    return words_.plain(h);
  }

 private:
  PlainShowTellParameters p_;
  WordLayer words_;
  Tensor word_gates_;  // (V,4H) or (V,5H) of each word: cell_input x embedding + cell_bias
  FastLinear from_hidden_;
};

}  // namespace

std::unique_ptr<StepNetwork> make_plain_network(const PlainAttendParameters& p,
                                                Precision precision) {
  return std::make_unique<PlainAttendNetwork>(p, precision);
}
std::unique_ptr<StepNetwork> make_plain_network(const AttendInParameters& p, Precision precision) {
  return std::make_unique<AttendInNetwork>(p, precision);
}
std::unique_ptr<StepNetwork> make_plain_network(const PlainShowTellParameters& p,
                                                Precision precision) {
  return std::make_unique<PlainShowTellNetwork>(p, precision);
}

}  // namespace photoscribe
