// A list of objects (score --chair-objects), and behind a NUL a caption in which they are looked
// for; without one the list that is built in reads all of it.
#include <string>

#include "common/scores/object_lexicon.h"
#include "tests/fuzz/fuzz.h"

namespace {

void look(const photoscribe::ObjectLexicon& lexicon, std::string_view caption) {
  for (const int id : lexicon.objects_in(caption))
    photoscribe::fuzz::require(id >= 0 && id < lexicon.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const std::string_view all = fuzz::text_of(data, size);
  const std::size_t nul = all.find('\0');
  if (nul == std::string_view::npos) {
    look(ObjectLexicon::built_in(), all);
    return 0;
  }
  if (const auto lexicon = ObjectLexicon::parse(all.substr(0, nul), "fuzz"))
    look(*lexicon, all.substr(nul + 1));
  return 0;
}
