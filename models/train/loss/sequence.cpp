#include "models/train/loss/sequence.h"

#include <torch/csrc/autograd/custom_function.h>

#include <stdexcept>

#include "models/decoder/kernels.h"
#include "models/train/loss/mixed.h"
#include "models/train/loss/packed_rows.h"

namespace photoscribe {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

struct Sizes {
  std::int64_t L = 0, D = 0, A = 0, H = 0;
};

enum Input { kGates, kKeys, kValues, kH0, kC0, kFromHidden, kFromContext, kBias, kScore, kInputs };

// fused = [query (A) | gate (D) | cell (4H)]: all that the previous hidden state is multiplied by.
class SequenceFunction : public torch::autograd::Function<SequenceFunction> {
 public:
  // A packing is not a tensor; its counts are saved for backward().
  static variable_list forward(AutogradContext* context, const Variable& input_gates,
                               const Variable& keys, const Variable& values, const Variable& h0,
                               const Variable& c0, const Variable& from_hidden,
                               const Variable& from_context, const Variable& bias,
                               const Variable& score, const Packing* packing) {
    const Sizes n = sizes(keys, values, h0);
    const std::int64_t S = packing->total;
    const AttentionTrace attention{at::empty({S * n.L, n.A}), at::empty({S, n.L}),
                                   at::empty({S, n.D})};
    Tensor beta = at::empty({S, n.D}), z = at::empty({S, n.D}), gates = at::empty({S, 4 * n.H});
    Tensor c = at::empty({S, n.H}), tanh_c = at::empty({S, n.H}), h = at::empty({S, n.H});
    const Tensor from_hidden_t = for_products(from_hidden).t(),
                 from_context_t = for_products(from_context).t();

    for (std::size_t step = 0; step < packing->counts.size(); ++step) {
      const std::int64_t count = packing->counts[step], at = packing->offsets[step];
      const Tensor h_in = previous(h, h0, *packing, step), c_in = previous(c, c0, *packing, step);
      const Tensor fused = product(h_in, from_hidden_t).add_(bias);  // (count, A+D+4H)
      attend_step(attention, keys, values, score, fused, at);
      Tensor gate = rows(beta, at, count);
      at::sigmoid_out(gate, fused.narrow(1, n.A, n.D));
      Tensor context_step = rows(z, at, count);
      at::mul_out(context_step, gate, rows(attention.context, at, count));
      Tensor pre = rows(gates, at, count);
      at::add_out(pre, rows(input_gates, at, count), fused.narrow(1, n.A + n.D, 4 * n.H));
      pre.add_(product(context_step, from_context_t));
      lstm_cell(count, n.H, pre.data_ptr<float>(), c_in.data_ptr<float>(),
                rows(c, at, count).data_ptr<float>(), rows(tanh_c, at, count).data_ptr<float>(),
                rows(h, at, count).data_ptr<float>());
    }
    context->saved_data["counts"] = packing->counts;
    context->save_for_backward({keys, values, h0, c0, from_hidden, from_context, score, attention.t,
                                attention.alpha, attention.context, beta, z, gates, c, tanh_c, h});
    return {h, z, attention.alpha};
  }

  static variable_list backward(AutogradContext* context, variable_list d_out) {
    const auto saved = context->get_saved_variables();
    const Tensor &keys = saved[0], &values = saved[1], &h0 = saved[2], &c0 = saved[3],
                 &from_hidden = saved[4], &from_context = saved[5], &score = saved[6],
                 &beta = saved[10], &z = saved[11], &gates = saved[12], &c = saved[13],
                 &tanh_c = saved[14], &h = saved[15];
    const AttentionTrace attention{saved[7], saved[8], saved[9]};
    const Packing packing = pack_counts(context->saved_data["counts"].toIntVector());
    const Sizes n = sizes(keys, values, h0);
    const std::int64_t S = packing.total, fused_size = n.A + n.D + 4 * n.H;
    const auto given = [](const Tensor& d, const Tensor& like) {
      return d.defined() ? d.contiguous() : at::zeros_like(like);
    };
    const Tensor d_hidden = given(d_out[0], h), d_context = given(d_out[1], z),
                 d_alpha = given(d_out[2], attention.alpha);

    Tensor d_fused = at::empty({S, fused_size}), d_raw = at::empty({S, n.D}),
           d_score = at::empty({S, n.L}), d_keys = at::zeros_like(keys);
    const Tensor hidden_back = for_products(from_hidden), context_back = for_products(from_context);
    Tensor d_h = at::zeros_like(h0), d_c = at::zeros_like(c0);  // of the state after the step
    for (std::size_t step = packing.counts.size(); step-- > 0;) {
      const std::int64_t count = packing.counts[step], at = packing.offsets[step];
      Tensor d_h_step = rows(d_h, 0, count).add_(rows(d_hidden, at, count));
      Tensor d_step = rows(d_fused, at, count);
      lstm_cell_backward(count, n.H, rows(gates, at, count).data_ptr<float>(),
                         previous(c, c0, packing, step).data_ptr<float>(),
                         rows(tanh_c, at, count).data_ptr<float>(), d_h_step.data_ptr<float>(),
                         d_c.data_ptr<float>(), d_step.data_ptr<float>() + n.A + n.D, fused_size);
      const Tensor d_z = product(d_step.narrow(1, n.A + n.D, 4 * n.H), context_back)
                             .add_(rows(d_context, at, count));
      const Tensor gate = rows(beta, at, count);
      Tensor d_raw_step = rows(d_raw, at, count);
      at::mul_out(d_raw_step, d_z, gate);
      d_step.narrow(1, n.A, n.D)
          .copy_(d_raw_step * rows(attention.context, at, count) * (1 - gate));
      attend_step_backward(attention, values, score, d_raw_step, d_alpha, at, d_score, d_step,
                           d_keys);
      d_h_step.copy_(product(d_step, hidden_back));
    }
    const Tensor d_gates = d_fused.narrow(1, n.A + n.D, 4 * n.H);
    variable_list d(kInputs + 1);
    d[kGates] = d_gates;
    d[kKeys] = d_keys;
    d[kValues] = at::bmm(pad(attention.alpha, packing).transpose(1, 2), pad(d_raw, packing));
    d[kH0] = d_h;
    d[kC0] = d_c;
    d[kFromHidden] = product(d_fused.t(), all_previous(h, h0, packing));
    d[kFromContext] = product(d_gates.t(), z);
    d[kBias] = d_fused.sum(0);
    d[kScore] = at::mv(attention.t.t(), d_score.view({-1}));
    return d;
  }

 private:
  static Sizes sizes(const Tensor& keys, const Tensor& values, const Tensor& h0) {
    return {keys.size(1), values.size(2), keys.size(2), h0.size(1)};
  }
};

}  // namespace

Packing pack(const std::vector<std::int64_t>& lengths) {
  if (lengths.empty() || lengths.back() < 1) throw std::runtime_error("a caption without words");
  Packing packing;
  std::size_t alive = lengths.size();
  for (std::int64_t step = 0; step < lengths.front(); ++step) {
    while (alive > 0 && lengths[alive - 1] <= step) --alive;
    packing.counts.push_back(static_cast<std::int64_t>(alive));
    packing.offsets.push_back(packing.total);
    packing.total += packing.counts.back();
  }
  return packing;
}

SequenceOutput run_sequence(const AttendTellParameters& p, const Annotations& a,
                            const torch::Tensor& input_gates, const Packing& packing) {
  const Tensor fused = at::cat({p.query_weight, p.gate_weight, p.cell_hidden});
  const Tensor bias = at::cat(
      {p.query_bias, p.gate_bias, at::zeros({p.cell_hidden.size(0)}, p.gate_bias.options())});
  const auto out = SequenceFunction::apply(
      input_gates.contiguous(), a.keys.contiguous(), a.values.contiguous(), a.h.contiguous(),
      a.c.contiguous(), fused, p.cell_context, bias, p.score_weight, &packing);
  return {out[0], out[1], out[2]};
}

SequenceOutput run_sequence(const ShowTellParameters& p, const Annotations& a,
                            const torch::Tensor& input_gates, const Packing& packing) {
  // Without attention a step is one product: LibTorch's own gradient of it is fast enough.
  std::vector<Tensor> hidden;
  Tensor h = a.h, c = a.c;
  for (std::size_t step = 0; step < packing.counts.size(); ++step) {
    const std::int64_t count = packing.counts[step];
    const auto part = (rows(input_gates, packing.offsets[step], count) +
                       at::linear(rows(h, 0, count), p.cell_hidden))
                          .chunk(4, 1);
    c = at::sigmoid(part[1]) * rows(c, 0, count) + at::sigmoid(part[0]) * at::tanh(part[2]);
    h = at::sigmoid(part[3]) * at::tanh(c);
    hidden.push_back(h);
  }
  return {at::cat(hidden), {}, {}};
}

torch::Tensor row_of_words(const Packing& packing) {
  std::vector<std::int64_t> row_of;
  for (const std::int64_t count : packing.counts)
    for (std::int64_t r = 0; r < count; ++r) row_of.push_back(r);
  return at::tensor(row_of);
}

torch::Tensor sum_steps(const torch::Tensor& packed, const Packing& packing) {
  return at::zeros({packing.counts[0], packed.size(1)}, packed.options())
      .index_add(0, row_of_words(packing), packed);
}

}  // namespace photoscribe
