// plain_sequence: whole captions through a decoder that others trained (plain_decoders.h). Private
// to models/train.
#pragma once

#include "models/train/loss/sequence.h"

namespace photoscribe {

/// As run_sequence() of sequence.h, but from words (S,E), step by step, and with LibTorch's own
/// gradient: slower, but without a kernel for each kind.
[[nodiscard]] SequenceOutput run_plain_sequence(const PlainAttendParameters& p,
                                                const Annotations& a, const torch::Tensor& words,
                                                const Packing& packing);
[[nodiscard]] SequenceOutput run_plain_sequence(const AttendInParameters& p, const Annotations& a,
                                                const torch::Tensor& words, const Packing& packing);
[[nodiscard]] SequenceOutput run_plain_sequence(const PlainShowTellParameters& p,
                                                const Annotations& a, const torch::Tensor& words,
                                                const Packing& packing);

}  // namespace photoscribe
