#include "models/train/loss/plain_sequence.h"

#include <ATen/ATen.h>

#include "models/decoder/plain_decoders.h"
#include "models/train/loss/packed_rows.h"

namespace photoscribe {
namespace {

using torch::Tensor;

template <class Plain>
SequenceOutput run(const Plain& p, const Annotations& a, const Tensor& words,
                   const Packing& packing) {
  std::vector<Tensor> hidden, alphas;
  Tensor h = a.h, c = a.c;
  for (std::size_t step = 0; step < packing.counts.size(); ++step) {
    const std::int64_t count = packing.counts[step];
    Annotations alive;
    alive.values = rows(a.values, 0, count);
    alive.keys = rows(a.keys, 0, count);
    h = rows(h, 0, count);
    c = rows(c, 0, count);
    Tensor alpha;
    hidden.push_back(advance(p, alive, rows(words, packing.offsets[step], count), h, c, &alpha));
    if (alpha.defined()) alphas.push_back(alpha);
  }
  return {at::cat(hidden), {}, alphas.empty() ? Tensor() : at::cat(alphas)};
}

}  // namespace

SequenceOutput run_plain_sequence(const PlainAttendParameters& p, const Annotations& a,
                                  const Tensor& words, const Packing& packing) {
  return run(p, a, words, packing);
}
SequenceOutput run_plain_sequence(const AttendInParameters& p, const Annotations& a,
                                  const Tensor& words, const Packing& packing) {
  return run(p, a, words, packing);
}
SequenceOutput run_plain_sequence(const PlainShowTellParameters& p, const Annotations& a,
                                  const Tensor& words, const Packing& packing) {
  return run(p, a, words, packing);
}

}  // namespace photoscribe
