// The directory of a zip from anybody.
#include "common/archive/zip_directory.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const auto file_bytes = static_cast<std::int64_t>(size);
  const ReadAt read = [&](std::int64_t offset, std::span<std::uint8_t> into) {
    fuzz::require(offset >= 0 && offset <= file_bytes);
    const std::size_t count = std::min(into.size(), size - static_cast<std::size_t>(offset));
    std::copy_n(data + offset, count, into.begin());
    return tl::expected<std::size_t, int>(count);
  };
  auto directory = ZipDirectory::open(read, file_bytes);
  if (!directory) return 0;
  std::int64_t members = 0;
  for (;;) {
    const auto member = directory->next();
    if (!member || !*member) break;
    ++members;
    const auto again = zip_member_at(read, file_bytes, (*member)->offset);
    fuzz::require(again && again->name == (*member)->name);
    const auto bytes = zip_data_offset(read, file_bytes, *again);
    fuzz::require(!bytes || (*bytes >= 0 && *bytes + again->packed_bytes <= file_bytes));
  }
  fuzz::require(members <= directory->members());
  return 0;
}
