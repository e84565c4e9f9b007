// zip_entries: locates the files in a zip archive. Private to models/train.
//
// torch.save stores its records as they are, so an archive in memory is read without copying or
// unpacking anything. Compressed and encrypted entries are refused: nothing expands.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace photoscribe {

/// Name -> bytes of every stored file of the archive `bytes`, which they point into; zip64, too.
/// Throws std::runtime_error: not an archive, truncated, or an entry that is compressed or outside
/// of it.
[[nodiscard]] std::map<std::string, std::string_view> zip_entries(std::string_view bytes);

}  // namespace photoscribe
