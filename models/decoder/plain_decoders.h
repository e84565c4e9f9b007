// plain_decoders: a single step of the decoders that others trained, and their annotations before
// the first word. Part of decoder.h, which is the header to include. Private to models/.
#pragma once

#include "models/decoder/decoder.h"

namespace photoscribe {

/// As annotate(): sets the annotations of the photos' features (N,L,C).
void begin(const PlainAttendParameters& p, const torch::Tensor& features, double dropout,
           Annotations& a);
void begin(const AttendInParameters& p, const torch::Tensor& features, double dropout,
           Annotations& a);
void begin(const PlainShowTellParameters& p, const torch::Tensor& features, double dropout,
           Annotations& a);

/// The input of the word layer (N,H) after words (N,E); updates h and c (N,H). `alpha`, if not
/// null, gets the attention (N,L), if there is one. Differentiable.
[[nodiscard]] torch::Tensor advance(const PlainAttendParameters& p, const Annotations& a,
                                    const torch::Tensor& word, torch::Tensor& h, torch::Tensor& c,
                                    torch::Tensor* alpha);
[[nodiscard]] torch::Tensor advance(const AttendInParameters& p, const Annotations& a,
                                    const torch::Tensor& word, torch::Tensor& h, torch::Tensor& c,
                                    torch::Tensor* alpha);
[[nodiscard]] torch::Tensor advance(const PlainShowTellParameters& p, const Annotations& a,
                                    const torch::Tensor& word, torch::Tensor& h, torch::Tensor& c,
                                    torch::Tensor* alpha);

}  // namespace photoscribe
