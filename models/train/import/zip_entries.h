// zip_entries: where the files in a zip archive lie. Private to models/train.
//
// torch.save stores its records as they are, so an archive that lies in memory is read without
// copying or unpacking anything. Packed and encrypted entries are refused: nothing grows.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace photoscribe {

/// Name -> bytes of every stored file of the archive `bytes`, which they point into; zip64, too.
/// Throws std::runtime_error: no archive, cut short, or an entry that is packed or lies outside.
[[nodiscard]] std::map<std::string, std::string_view> zip_entries(std::string_view bytes);

}  // namespace photoscribe
