#include "models/decoder/photo_annotator.h"

#include <ATen/ATen.h>

namespace photoscribe {

using torch::Tensor;

PhotoAnnotator::PhotoAnnotator(const AttentionParameters& p, Precision precision)
    : p_(p),
      annotate_(p.annotate_weight, p.annotate_bias, precision),
      key_(p.key_weight, {}, precision) {
  if (p.concepts.defined())
    concept_ = FastLinear(p.concepts.value_weight, p.concepts.value_bias, precision);
}

void PhotoAnnotator::fill(const Tensor& features, const Tensor& concepts, Annotations& a) const {
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
    const Tensor concept_values = concept_(named.flatten(0, 1)).view({N, named.size(1), -1});
    a.values = at::cat({a.values, concept_values}, 1);
    a.mean = a.mean + concept_values.mean(1);
  }
  const std::int64_t annotations = a.values.size(1);
  a.keys = key_(a.values.view({N * annotations, -1})).view({N, annotations, -1});
}

void PhotoAnnotator::set_grid_attention(const Tensor& weight, Tensor* alpha) const {
  set_attention(weight, p_.concepts.defined() ? p_.concepts.slots : 0, alpha);
}

}  // namespace photoscribe
