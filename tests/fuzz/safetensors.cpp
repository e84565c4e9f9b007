// Weights: the header's JSON, and the file around it.
#include "models/format/safetensors.h"

#include <stdexcept>

#include "models/format/safetensors_header.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const std::string_view bytes = fuzz::text_of(data, size);
  try {
    static_cast<void>(parse_safetensors_header(bytes));
  } catch (const std::runtime_error&) {
  }
  const fuzz::MemoryFile file(bytes);
  if (const auto opened = SafetensorsFile::open(file.path())) {
    std::size_t sum = 0;
    for (const auto& [name, array] : opened->arrays())
      for (const std::byte byte : array.bytes) sum += static_cast<std::size_t>(byte);
    fuzz::require(sum <= 255 * size);
  }
  return 0;
}
