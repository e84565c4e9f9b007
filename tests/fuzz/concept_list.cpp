// A model's list of concepts.
#include "models/format/concept_list.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  const auto concepts = read_concepts(file.path());
  if (!concepts) return 0;
  // What was read is written so that it reads back the same.
  const fuzz::MemoryFile copy("");
  fuzz::require(write_concepts(copy.path(), *concepts).has_value());
  const auto again = read_concepts(copy.path());
  fuzz::require(again && again->size() == concepts->size());
  for (std::size_t i = 0; i < concepts->size(); ++i) {
    fuzz::require((*again)[i].words == (*concepts)[i].words);
    fuzz::require((*again)[i].classes == (*concepts)[i].classes);
  }
  return 0;
}
