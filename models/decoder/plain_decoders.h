// plain_decoders: a single step of the decoders that others trained, and what a photo gives them
// before the first word. Part of decoder.h, which is what to call. Private to models/.
#pragma once

#include "models/decoder/decoder.h"

namespace photoscribe {

/// As annotate(): sets what the photos' features (N,L,C) give.
void begin(const PlainAttendParameters& p, const torch::Tensor& features, double dropout,
           Annotations& a);
void begin(const AttendInParameters& p, const torch::Tensor& features, double dropout,
           Annotations& a);
void begin(const PlainShowTellParameters& p, const torch::Tensor& features, double dropout,
           Annotations& a);

/// What words are made of (N,H) behind words (N,E); updates h and c (N,H). `alpha`, when not null,
/// gets the attention (N,L), where there is one. Differentiable.
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
