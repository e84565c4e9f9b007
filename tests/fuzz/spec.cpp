// A run's spec in Redis.
#include "common/core/spec.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const Expected<RunSpec> spec = parse_spec(fuzz::text_of(data, size));
  if (!spec) return 0;
  const Expected<RunSpec> again = parse_spec(to_json(*spec));
  fuzz::require(again && *again == *spec);
  return 0;
}
