// Results as workers pack them, and as anybody could forge them.
#include "common/core/wire.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const std::string_view bytes = fuzz::text_of(data, size);
  const Expected<ResultBatch> batch = decode_results(bytes);
  const SalvagedResults salvaged = salvage_results(bytes);
  if (!batch) return 0;
  fuzz::require(encode_results(*batch) == bytes);
  fuzz::require(salvaged.broken.empty());
  fuzz::require(salvaged.batch.results.size() == batch->results.size());
  return 0;
}
