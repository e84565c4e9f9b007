// The recurrent part of attention on attention with a gradient written by hand, as sequence.cpp has
// it for show_attend_tell.
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
  Tensor gates, c, tanh_c, h;          // (S,4H) (S,H) …
  Tensor information, gate, attended;  // (S,H)
};

struct Sizes {
  std::int64_t L = 0, D = 0, A = 0, H = 0;
};

enum Input {
  kGates,
  kFixed,
  kKeys,
  kValues,
  kH0,
  kC0,
  kAttended0,
  kOwn,
  kLast,
  kFromHidden,
  kBias,
  kFromContext,
  kScore,
  kInputs
};

// from_hidden = [query (A) | information (H) | gate (H)] of the new state; from_context =
// [information (H) | gate (H)] of the context vector.
class AttendOnAttendFunction : public torch::autograd::Function<AttendOnAttendFunction> {
 public:
  static variable_list forward(AutogradContext* saved, const Variable& input_gates,
                               const Variable& fixed, const Variable& keys, const Variable& values,
                               const Variable& h0, const Variable& c0, const Variable& attended0,
                               const Variable& own, const Variable& last,
                               const Variable& from_hidden, const Variable& bias,
                               const Variable& from_context, const Variable& score,
                               const Packing* packing) {
    const Sizes n{keys.size(1), values.size(2), keys.size(2), h0.size(1)};
    const std::int64_t S = packing->total;
    Trace x{{at::empty({S * n.L, n.A}), at::empty({S, n.L}), at::empty({S, n.D})},
            at::empty({S, 4 * n.H}),
            at::empty({S, n.H}),
            at::empty({S, n.H}),
            at::empty({S, n.H}),
            at::empty({S, n.H}),
            at::empty({S, n.H}),
            at::empty({S, n.H})};
    for (std::size_t step = 0; step < packing->counts.size(); ++step) {
      const std::int64_t count = packing->counts[step], at = packing->offsets[step];
      Tensor pre = rows(x.gates, at, count);
      at::add_out(pre, rows(input_gates, at, count), rows(fixed, 0, count));
      pre.addmm_(previous(x.h, h0, *packing, step), own.t());
      pre.addmm_(previous(x.attended, attended0, *packing, step), last.t());
      const Tensor c_in = previous(x.c, c0, *packing, step), h = rows(x.h, at, count);
      lstm_cell(count, n.H, pre.data_ptr<float>(), c_in.data_ptr<float>(),
                rows(x.c, at, count).data_ptr<float>(), rows(x.tanh_c, at, count).data_ptr<float>(),
                h.data_ptr<float>());

      const Tensor fused = at::addmm(bias, h, from_hidden.t());  // (count,A+2H)
      attend_step(x.attention, keys, values, score, fused, at);

      const Tensor both = at::addmm(fused.narrow(1, n.A, 2 * n.H),
                                    rows(x.attention.context, at, count), from_context.t());
      rows(x.information, at, count).copy_(both.narrow(1, 0, n.H));
      Tensor gate = rows(x.gate, at, count), attended = rows(x.attended, at, count);
      at::sigmoid_out(gate, both.narrow(1, n.H, n.H));
      at::mul_out(attended, gate, rows(x.information, at, count));
    }
    const auto& [t, alpha, context] = x.attention;
    saved->saved_data["counts"] = packing->counts;
    saved->save_for_backward(
        {keys,         values,        h0,     c0,        attended0, own,     last, from_hidden,
         from_context, score,         t,      alpha,     context,   x.gates, x.c,  x.tanh_c,
         x.h,          x.information, x.gate, x.attended});
    return {x.attended, context, alpha};
  }

  static variable_list backward(AutogradContext* saved_context, variable_list d_out) {
    const auto s = saved_context->get_saved_variables();
    const Tensor &keys = s[0], &values = s[1], &h0 = s[2], &c0 = s[3], &attended0 = s[4],
                 &own = s[5], &last = s[6], &from_hidden = s[7], &from_context = s[8],
                 &score = s[9];
    const Trace x{{s[10], s[11], s[12]}, s[13], s[14], s[15], s[16], s[17], s[18], s[19]};
    const Packing packing = pack_counts(saved_context->saved_data["counts"].toIntVector());
    const Sizes n{keys.size(1), values.size(2), keys.size(2), h0.size(1)};
    const std::int64_t S = packing.total, fused_size = n.A + 2 * n.H;
    const auto given = [](const Tensor& d, const Tensor& like) {
      return d.defined() ? d.contiguous() : at::zeros_like(like);
    };
    const Tensor d_attended_out = given(d_out[0], x.attended),
                 d_context_out = given(d_out[1], x.attention.context),
                 d_alpha = given(d_out[2], x.attention.alpha);

    Tensor d_gates = at::empty({S, 4 * n.H}), d_fused = at::empty({S, fused_size}),
           d_context = at::empty({S, n.D}), d_score = at::empty({S, n.L}),
           d_keys = at::zeros_like(keys);
    // Of the states after the step.
    Tensor d_h = at::zeros_like(h0), d_c = at::zeros_like(c0),
           d_attended = at::zeros_like(attended0);
    for (std::size_t step = packing.counts.size(); step-- > 0;) {
      const std::int64_t count = packing.counts[step], at = packing.offsets[step];
      const Tensor d_fused_step = rows(d_fused, at, count), gate = rows(x.gate, at, count);
      Tensor d_attended_step = rows(d_attended, 0, count).add_(rows(d_attended_out, at, count));
      d_fused_step.narrow(1, n.A, n.H).copy_(d_attended_step * gate);
      d_fused_step.narrow(1, n.A + n.H, n.H)
          .copy_(d_attended_step * rows(x.attended, at, count) * (1 - gate));
      const Tensor d_both = d_fused_step.narrow(1, n.A, 2 * n.H);

      Tensor d_context_step = rows(d_context, at, count);
      d_context_step.copy_(rows(d_context_out, at, count)).addmm_(d_both, from_context);
      attend_step_backward(x.attention, values, score, d_context_step, d_alpha, at, d_score,
                           d_fused_step, d_keys);

      Tensor d_h_step = rows(d_h, 0, count).addmm_(d_fused_step, from_hidden);
      Tensor d_gates_step = rows(d_gates, at, count);
      lstm_cell_backward(count, n.H, rows(x.gates, at, count).data_ptr<float>(),
                         previous(x.c, c0, packing, step).data_ptr<float>(),
                         rows(x.tanh_c, at, count).data_ptr<float>(), d_h_step.data_ptr<float>(),
                         d_c.data_ptr<float>(), d_gates_step.data_ptr<float>(), 4 * n.H);
      at::mm_out(d_h_step, d_gates_step, own);
      at::mm_out(d_attended_step, d_gates_step, last);
    }
    variable_list d(kInputs + 1);
    d[kGates] = d_gates;
    d[kFixed] = sum_steps(d_gates, packing);
    d[kKeys] = d_keys;
    d[kValues] = at::bmm(pad(x.attention.alpha, packing).transpose(1, 2), pad(d_context, packing));
    d[kH0] = d_h;
    d[kC0] = d_c;
    d[kAttended0] = d_attended;
    d[kOwn] = at::mm(d_gates.t(), all_previous(x.h, h0, packing));
    d[kLast] = at::mm(d_gates.t(), all_previous(x.attended, attended0, packing));
    d[kFromHidden] = at::mm(d_fused.t(), x.h);
    d[kBias] = d_fused.sum(0);
    d[kFromContext] = at::mm(d_fused.narrow(1, n.A, 2 * n.H).t(), x.attention.context);
    d[kScore] = at::mv(x.attention.t.t(), d_score.view({-1}));
    return d;
  }
};

}  // namespace

SequenceOutput run_sequence(const AttendOnAttendParameters& p, const Annotations& a,
                            const torch::Tensor& input_gates, const Packing& packing) {
  const auto h = a.h.chunk(2, 1);
  const Tensor from_hidden = at::cat({p.query_weight, p.information_query, p.gate_query});
  const Tensor bias = at::cat({p.query_bias, p.information_bias, p.gate_bias});
  const Tensor from_context = at::cat({p.information_value, p.gate_value});
  const auto out = AttendOnAttendFunction::apply(
      input_gates.contiguous(), a.fixed.contiguous(), a.keys.contiguous(), a.values.contiguous(),
      h[0].contiguous(), a.c.contiguous(), h[1].contiguous(), p.cell_hidden, p.cell_attended,
      from_hidden, bias, from_context, p.score_weight, &packing);
  return {out[0], out[1], out[2]};
}

}  // namespace photoscribe
