// wire: how a worker's results are packed into one Redis stream entry.
//
// Little-endian base-128 varints, length-prefixed strings, IEEE doubles; one version byte in front.
// Tasks are not packed: their stream fields are plain text so that the queue's scripts can read
// them (common/redis). decode never trusts a length: every count is checked against the bytes that
// are left.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"

namespace photoscribe {

/// Version of everything that two processes say to each other; a worker joins only a run of its own
/// version.
inline constexpr int kProtocolVersion = 4;

[[nodiscard]] std::string encode_results(const ResultBatch& batch);

/// Fails with bad_payload. Accepts exactly what encode_results writes: trailing bytes are an error,
/// so are numbers that are not finite, reasons that do not exist, captions of more than
/// kConceptsMax concepts and batches of more than 100,000 items.
[[nodiscard]] Expected<ResultBatch> decode_results(std::string_view bytes);

/// An item whose values cannot be used, although it says which photo it is about.
struct BrokenResult {
  std::int64_t image_id = 0;
  std::int32_t attempt = 1;
};
struct SalvagedResults {
  ResultBatch batch;                 // the whole items
  std::vector<BrokenResult> broken;  // a number that is not finite or out of range, or cut short
};

/// What can be had of bytes that decode_results refuses: items before the place where they make no
/// sense any more. Nothing, when there is no such place.
[[nodiscard]] SalvagedResults salvage_results(std::string_view bytes);

}  // namespace photoscribe
