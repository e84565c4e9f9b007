// Lists of photos, in every form.
#include <cstddef>

#include "scheduler/sources/list_reader.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace photoscribe;

/// Every record once, in a form that options may prescribe; all of the list's bytes are in one.
void read(const ListFile& file, const ListOptions& options, std::size_t size) {
  Expected<ListReader> reader = ListReader::open(file, options);
  if (!reader) return;
  std::size_t bytes = 0;
  std::int64_t line = 0;
  for (ListEntry entry;;) {
    const Expected<bool> more = reader->next_record(entry);
    fuzz::require(more.has_value());
    if (!*more) break;
    fuzz::require(entry.line > line);
    line = entry.line;
    bytes += reader->raw().size();
  }
  constexpr std::size_t kByteOrderMark = 3;
  fuzz::require(bytes == size || bytes + kByteOrderMark == size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile bytes(fuzz::text_of(data, size));
  const Expected<ListFile> file = ListFile::open(bytes.path());
  fuzz::require(file.has_value());
  read(*file, {}, size);
  ListOptions table;
  table.delimiter = ",";
  table.path_column = "1";
  read(*file, table, size);
  table.header = false;
  table.id_column = "2";
  read(*file, table, size);
  ListOptions nul;
  nul.from0 = true;
  read(*file, nul, size);
  return 0;
}
