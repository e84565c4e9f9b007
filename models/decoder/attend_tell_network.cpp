#include "models/decoder/attend_tell_network.h"

#include <ATen/ATen.h>

#include "models/decoder/kernels.h"
#include "models/decoder/photo_annotator.h"

namespace photoscribe {
namespace {

using torch::Tensor;

class AttendTellNetwork final : public StepNetwork {
 public:
  AttendTellNetwork(const AttendTellParameters& p, Precision precision)
      : p_(p), annotator_(p, precision), words_(p, precision, p.concepts) {
    word_gates_ = at::linear(p.embedding, p.cell_input, p.cell_bias).contiguous();
    word_output_ = (p.embedding + p.output_bias).contiguous();
    from_hidden_ =
        FastLinear(at::cat({p.query_weight, p.gate_weight, p.cell_hidden}),
                   at::cat({p.query_bias, p.gate_bias, at::zeros_like(p.cell_bias)}), precision);
    from_context_ = FastLinear(at::cat({p.cell_context, p.output_context}), {}, precision);
    output_hidden_ = FastLinear(p.output_hidden, {}, precision);
  }

  Annotations annotate_photos(const Tensor& features, const Tensor& concepts) const override {
    Annotations a;
    annotator_.fill(features, concepts, a);
    const auto start = at::tanh(at::linear(a.mean, p_.start_weight, p_.start_bias)).chunk(2, 1);
    a.h = start[0].contiguous();
    a.c = start[1].contiguous();
    return a;
  }

  Tensor step(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c,
              Tensor* alpha) const override {
    if (has_kernels(h)) return step_shared(a, tokens, h, c, alpha);
    const std::int64_t H = h.size(1), A = p_.query_weight.size(0), D = p_.gate_weight.size(0);
    const Tensor fused = from_hidden_(h);
    const Tensor weight = attend(a.keys, fused.narrow(1, 0, A), p_.score_weight);
    annotator_.set_grid_attention(weight, alpha);
    Tensor context = weigh(weight, a.values);
    gate_context(context, fused.narrow(1, A, D));
    const Tensor projected = from_context_(context);  // (R,4H+E)
    Tensor gates = at::index_select(word_gates_, 0, tokens);
    gates.add_(fused.narrow(1, A + D, 4 * H)).add_(projected.narrow(1, 0, 4 * H));
    advance_cell(gates, h, c);
    Tensor out = at::index_select(word_output_, 0, tokens);
    out.add_(projected.narrow(1, 4 * H, out.size(1)));
    output_hidden_.add_to(out, h);
    return words_(out, a);
  }

 private:
  /// The same with the loops for a CPU. The attention depends on the state alone, not on the last
  /// word: beams with the same parent share three fifths of the work.
  Tensor step_shared(const Annotations& a, const Tensor& tokens, Tensor& h, Tensor& c,
                     Tensor* alpha) const {
    const std::int64_t N = a.values.size(0), R = h.size(0), H = h.size(1),
                       A = p_.query_weight.size(0), D = p_.gate_weight.size(0);
    const SharedRows rows(h.contiguous(), N);  // U of them differ
    const Tensor fused = from_hidden_(rows.h);
    const Tensor weight =
        attend_rows(a.keys, rows.photo, fused.narrow(1, 0, A), p_.score_weight);  // (U,L)
    if (alpha != nullptr)
      annotator_.set_grid_attention(weight.index_select(0, rows.unique_row).view({N, R / N, -1}),
                                    alpha);
    Tensor context = weigh_rows(weight, a.values, rows.photo);  // (U,D)
    gate_context(context, fused.narrow(1, A, D));
    const Tensor projected = from_context_(context);  // (U,4H+E)

    // First, since it checks that each word is in the vocabulary.
    Tensor out = at::index_select(word_output_, 0, tokens);
    const Tensor c_in = c.contiguous(), words = tokens.contiguous();
    h = at::empty({R, H}, c_in.options());
    c = at::empty({R, H}, c_in.options());
    lstm_cell_of({R, H, word_gates_.data_ptr<float>(), words.data_ptr<std::int64_t>(),
                  rows.unique_row.data_ptr<std::int64_t>(), fused.data_ptr<float>() + A + D,
                  projected.data_ptr<float>(), fused.stride(0), projected.stride(0)},
                 c_in.data_ptr<float>(), c.data_ptr<float>(), h.data_ptr<float>());
    out.add_(projected.narrow(1, 4 * H, out.size(1)).index_select(0, rows.unique_row));
    output_hidden_.add_to(out, h);
    return words_(out, a);
  }

  AttendTellParameters p_;
  PhotoAnnotator annotator_;
  WordLayer words_;
  Tensor word_gates_;        // (V,4H) of each word: cell_input x embedding + cell_bias
  Tensor word_output_;       // (V,E) of each word: embedding + output_bias
  FastLinear from_hidden_;   // [query (A) | gate (D) | cell (4H)] of h
  FastLinear from_context_;  // [cell (4H) | output (E)] of what is attended to
  FastLinear output_hidden_;
};

}  // namespace

std::unique_ptr<StepNetwork> make_attend_tell(const AttendTellParameters& p, Precision precision) {
  return std::make_unique<AttendTellNetwork>(p, precision);
}

}  // namespace photoscribe
