// batch_captioner: finds the one photo that makes a batch fail, and the batch that fits the device.
//
// A captioner fails as a whole. Here a rejected batch is halved until the bad photo is alone, and
// one that is too big for the device's memory is halved and the smaller size kept. No photo is
// blamed for a lost device: before a photo is failed, a plain grey image must
// pass.
#pragma once

#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"
#include "models/captioner.h"

namespace photoscribe {

/// What became of one photo: its words, or why there are none (model_failure, device_memory).
using CaptionOutcome = std::variant<Caption, Failed>;

class BatchCaptioner {
 public:
  /// `captioner` must outlive this object. `batch_max` >= 1.
  BatchCaptioner(Captioner& captioner, std::size_t batch_max);

  /// One outcome per image, in order. Fails only when the device itself no longer works; then no
  /// photo may be blamed and the process should be replaced.
  [[nodiscard]] Expected<std::vector<CaptionOutcome>> caption(
      std::span<const DecodedImage* const> batch);

  /// The largest batch that is sent now: `batch_max`, less after the device ran out of memory.
  [[nodiscard]] std::size_t batch_now() const noexcept { return batch_now_; }

 private:
  Status caption_part(std::span<const DecodedImage* const> part, std::span<CaptionOutcome> out);
  Status fail_one(const Error& error, CaptionOutcome& out);

  Captioner& captioner_;
  std::size_t batch_now_;
};

}  // namespace photoscribe
