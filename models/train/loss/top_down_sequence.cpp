// The recurrent part of the top-down decoder with a gradient written by hand, as sequence.cpp has
// it for the other one.
#include <torch/csrc/autograd/custom_function.h>

#include "models/decoder/kernels.h"
#include "models/train/loss/packed_rows.h"

namespace photoscribe {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

/// What the backward pass needs of the forward one, packed.
struct Trace {
  AttentionTrace attention;
  Tensor gates1, c1, tanh_c1, h1;  // the attention LSTM: (S,4H) (S,H) …
  Tensor gates2, c2, tanh_c2, h2;  // the language LSTM
};

struct Sizes {
  std::int64_t L = 0, D = 0, A = 0, H = 0;
};

void cell(const Tensor& pre, const Tensor& c_in, const Tensor& c, const Tensor& tanh_c,
          const Tensor& h) {
  lstm_cell(pre.size(0), c.size(1), pre.data_ptr<float>(), c_in.data_ptr<float>(),
            c.data_ptr<float>(), tanh_c.data_ptr<float>(), h.data_ptr<float>());
}

enum Input {
  kGates,
  kFixed,
  kKeys,
  kValues,
  kH1,
  kC1,
  kH2,
  kC2,
  kOwn1,
  kOther1,
  kFromFirst,
  kBias,
  kOwn2,
  kContext2,
  kScore,
  kInputs
};

// from_first = [query (A) | language LSTM (4H)]: all that the attention LSTM's new state is
// multiplied by.
class TopDownFunction : public torch::autograd::Function<TopDownFunction> {
 public:
  static variable_list forward(AutogradContext* saved, const Variable& input_gates,
                               const Variable& fixed, const Variable& keys, const Variable& values,
                               const Variable& h1_0, const Variable& c1_0, const Variable& h2_0,
                               const Variable& c2_0, const Variable& own1, const Variable& other1,
                               const Variable& from_first, const Variable& bias,
                               const Variable& own2, const Variable& context2,
                               const Variable& score, const Packing* packing) {
    const Sizes n{keys.size(1), values.size(2), keys.size(2), h1_0.size(1)};
    const std::int64_t S = packing->total;
    Trace x{{at::empty({S * n.L, n.A}), at::empty({S, n.L}), at::empty({S, n.D})},
            at::empty({S, 4 * n.H}),
            at::empty({S, n.H}),
            at::empty({S, n.H}),
            at::empty({S, n.H}),
            at::empty({S, 4 * n.H}),
            at::empty({S, n.H}),
            at::empty({S, n.H}),
            at::empty({S, n.H})};
    for (std::size_t step = 0; step < packing->counts.size(); ++step) {
      const std::int64_t count = packing->counts[step], at = packing->offsets[step];
      const Tensor h2_in = previous(x.h2, h2_0, *packing, step);
      Tensor pre1 = rows(x.gates1, at, count);
      at::add_out(pre1, rows(input_gates, at, count), rows(fixed, 0, count));
      pre1.addmm_(previous(x.h1, h1_0, *packing, step), own1.t()).addmm_(h2_in, other1.t());
      cell(pre1, previous(x.c1, c1_0, *packing, step), rows(x.c1, at, count),
           rows(x.tanh_c1, at, count), rows(x.h1, at, count));

      const Tensor first = at::addmm(bias, rows(x.h1, at, count), from_first.t());  // (count,A+4H)
      attend_step(x.attention, keys, values, score, first, at);

      Tensor pre2 = rows(x.gates2, at, count);
      pre2.copy_(first.narrow(1, n.A, 4 * n.H));
      pre2.addmm_(h2_in, own2.t()).addmm_(rows(x.attention.context, at, count), context2.t());
      cell(pre2, previous(x.c2, c2_0, *packing, step), rows(x.c2, at, count),
           rows(x.tanh_c2, at, count), rows(x.h2, at, count));
    }
    const auto& [t, alpha, context] = x.attention;
    saved->saved_data["counts"] = packing->counts;
    saved->save_for_backward({keys, values,   h1_0,       c1_0,      h2_0,     c2_0,
                              own1, other1,   from_first, own2,      context2, score,
                              t,    alpha,    context,    x.gates1,  x.c1,     x.tanh_c1,
                              x.h1, x.gates2, x.c2,       x.tanh_c2, x.h2});
    return {x.h2, context, alpha};
  }

  static variable_list backward(AutogradContext* saved_context, variable_list d_out) {
    const auto s = saved_context->get_saved_variables();
    const Tensor &keys = s[0], &values = s[1], &h1_0 = s[2], &c1_0 = s[3], &h2_0 = s[4],
                 &c2_0 = s[5], &own1 = s[6], &other1 = s[7], &from_first = s[8], &own2 = s[9],
                 &context2 = s[10], &score = s[11];
    const Trace x{{s[12], s[13], s[14]}, s[15], s[16], s[17], s[18], s[19], s[20], s[21], s[22]};
    const Packing packing = pack_counts(saved_context->saved_data["counts"].toIntVector());
    const Sizes n{keys.size(1), values.size(2), keys.size(2), h1_0.size(1)};
    const std::int64_t S = packing.total, first_size = n.A + 4 * n.H;
    const auto given = [](const Tensor& d, const Tensor& like) {
      return d.defined() ? d.contiguous() : at::zeros_like(like);
    };
    const Tensor d_hidden = given(d_out[0], x.h2),
                 d_context_out = given(d_out[1], x.attention.context),
                 d_alpha = given(d_out[2], x.attention.alpha);

    Tensor d_gates1 = at::empty({S, 4 * n.H}), d_first = at::empty({S, first_size}),
           d_context = at::empty({S, n.D}), d_score = at::empty({S, n.L}),
           d_keys = at::zeros_like(keys);
    // Of the states after the step.
    Tensor d_h1 = at::zeros_like(h1_0), d_c1 = at::zeros_like(c1_0), d_h2 = at::zeros_like(h2_0),
           d_c2 = at::zeros_like(c2_0);
    for (std::size_t step = packing.counts.size(); step-- > 0;) {
      const std::int64_t count = packing.counts[step], at = packing.offsets[step];
      const Tensor d_first_step = rows(d_first, at, count);
      Tensor d_h2_step = rows(d_h2, 0, count).add_(rows(d_hidden, at, count));
      lstm_cell_backward(count, n.H, rows(x.gates2, at, count).data_ptr<float>(),
                         previous(x.c2, c2_0, packing, step).data_ptr<float>(),
                         rows(x.tanh_c2, at, count).data_ptr<float>(), d_h2_step.data_ptr<float>(),
                         d_c2.data_ptr<float>(), d_first_step.data_ptr<float>() + n.A, first_size);
      const Tensor d_gates2 = d_first_step.narrow(1, n.A, 4 * n.H);

      Tensor d_context_step = rows(d_context, at, count);
      d_context_step.copy_(rows(d_context_out, at, count)).addmm_(d_gates2, context2);
      attend_step_backward(x.attention, values, score, d_context_step, d_alpha, at, d_score,
                           d_first_step, d_keys);

      Tensor d_h1_step = rows(d_h1, 0, count).addmm_(d_first_step, from_first);
      Tensor d_gates1_step = rows(d_gates1, at, count);
      lstm_cell_backward(count, n.H, rows(x.gates1, at, count).data_ptr<float>(),
                         previous(x.c1, c1_0, packing, step).data_ptr<float>(),
                         rows(x.tanh_c1, at, count).data_ptr<float>(), d_h1_step.data_ptr<float>(),
                         d_c1.data_ptr<float>(), d_gates1_step.data_ptr<float>(), 4 * n.H);
      at::mm_out(d_h1_step, d_gates1_step, own1);
      at::mm_out(d_h2_step, d_gates1_step, other1);
      d_h2_step.addmm_(d_gates2, own2);
    }
    const Tensor d_gates2 = d_first.narrow(1, n.A, 4 * n.H);
    const Tensor h2_in = all_previous(x.h2, h2_0, packing);
    variable_list d(kInputs + 1);
    d[kGates] = d_gates1;
    d[kFixed] = sum_steps(d_gates1, packing);
    d[kKeys] = d_keys;
    d[kValues] = at::bmm(pad(x.attention.alpha, packing).transpose(1, 2), pad(d_context, packing));
    d[kH1] = d_h1;
    d[kC1] = d_c1;
    d[kH2] = d_h2;
    d[kC2] = d_c2;
    d[kOwn1] = at::mm(d_gates1.t(), all_previous(x.h1, h1_0, packing));
    d[kOther1] = at::mm(d_gates1.t(), h2_in);
    d[kFromFirst] = at::mm(d_first.t(), x.h1);
    d[kBias] = d_first.sum(0);
    d[kOwn2] = at::mm(d_gates2.t(), h2_in);
    d[kContext2] = at::mm(d_gates2.t(), x.attention.context);
    d[kScore] = at::mv(x.attention.t.t(), d_score.view({-1}));
    return d;
  }
};

}  // namespace

SequenceOutput run_sequence(const TopDownParameters& p, const Annotations& a,
                            const torch::Tensor& input_gates, const Packing& packing) {
  const auto h = a.h.chunk(2, 1), c = a.c.chunk(2, 1);
  const Tensor from_first = at::cat({p.query_weight, p.second_first});
  const Tensor bias = at::cat({p.query_bias, p.second_bias});
  const auto out = TopDownFunction::apply(
      input_gates.contiguous(), a.fixed.contiguous(), a.keys.contiguous(), a.values.contiguous(),
      h[0].contiguous(), c[0].contiguous(), h[1].contiguous(), c[1].contiguous(), p.first_hidden,
      p.first_second, from_first, bias, p.second_hidden, p.second_context, p.score_weight,
      &packing);
  return {out[0], out[1], out[2]};
}

}  // namespace photoscribe
