// An archive of any format, listed; and its texts.
#include "scheduler/sources/archive_listing.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  auto listing = ArchiveListing::open(file.path());
  if (!listing) return 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto member = listing->next();
    if (!member || !*member) break;
    fuzz::require((*member)->offset >= 0);
    if (!listing->text(1000)) break;
  }
  return 0;
}
