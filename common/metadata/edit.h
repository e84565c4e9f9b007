// edit: a change of a file as a list of replaced ranges, so that every byte outside of them is
// provably what it was, and the change can be taken back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace photoscribe::metadata {

struct Edit {
  std::uint64_t offset = 0;  // in the file as it was
  std::uint64_t removed = 0;
  std::string inserted;
  bool operator==(const Edit&) const = default;
};

/// Sorted by offset; no two overlap.
using Edits = std::vector<Edit>;

/// Puts the edits into order. Two at one place stay in theirs.
void sort(Edits& edits);

[[nodiscard]] std::string edited(std::string_view bytes, const Edits& edits);

/// The size of a file of `size` bytes after them.
[[nodiscard]] std::uint64_t edited_size(std::uint64_t size, const Edits& edits);

}  // namespace photoscribe::metadata
