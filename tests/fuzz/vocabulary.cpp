// A model's vocabulary.
#include "models/format/vocabulary.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  const auto vocabulary = Vocabulary::read(file.path());
  if (!vocabulary) return 0;
  std::vector<std::int64_t> every;
  for (std::int64_t word = 0; word < vocabulary->size(); ++word) every.push_back(word);
  static_cast<void>(vocabulary->text(every));
  return 0;
}
