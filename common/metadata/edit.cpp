#include "common/metadata/edit.h"

#include <algorithm>

namespace photoscribe::metadata {

void sort(Edits& edits) {
  std::stable_sort(edits.begin(), edits.end(),
                   [](const Edit& a, const Edit& b) { return a.offset < b.offset; });
}

std::string edited(std::string_view bytes, const Edits& edits) {
  std::string out;
  std::uint64_t at = 0;
  for (const Edit& edit : edits) {
    out += bytes.substr(at, edit.offset - at);
    out += edit.inserted;
    at = edit.offset + edit.removed;
  }
  return out.append(bytes.substr(at));
}

std::uint64_t edited_size(std::uint64_t size, const Edits& edits) {
  for (const Edit& edit : edits) size = size - edit.removed + edit.inserted.size();
  return size;
}

}  // namespace photoscribe::metadata
