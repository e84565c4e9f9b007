// next_word: a decoder's next word by the reference step, for search tests.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "models/decoder/decoder.h"
#include "models/format/vocabulary.h"

namespace photoscribe {

/// log p (V) of the next word of one photo's caption (features (1,L,C)) after `words`.
inline torch::Tensor next_word(const DecoderParameters& p, const torch::Tensor& photo,
                               const std::vector<std::int64_t>& words) {
  const torch::NoGradGuard no_grad;
  const Annotations a = annotate(p, photo);
  torch::Tensor h = a.h, c = a.c, logits;
  std::vector<std::int64_t> inputs{kStartToken};
  inputs.insert(inputs.end(), words.begin(), words.end());
  for (const std::int64_t word : inputs) logits = reference_step(p, a, at::tensor({word}), h, c);
  for (const std::int64_t special : {kPadToken, kStartToken, kUnknownToken})
    logits[0][special] = -INFINITY;
  return at::log_softmax(logits, 1).squeeze(0);
}

}  // namespace photoscribe
