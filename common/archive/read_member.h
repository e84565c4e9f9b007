// read_member: the bytes of one member of an archive that can be entered anywhere: a zip, a plain
// tar.
//
// What unpacks to another size than it says, or does not match its checksum, is damage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "common/archive/archive_failure.h"
#include "common/archive/zip_directory.h"

namespace photoscribe {

/// A number of bytes that its packed ones cannot make is damage, and costs no memory.
[[nodiscard]] FromArchive<void> check_zip_sizes(const ZipMember& member);

/// The bytes of a zip's member, a file without a password, whose sizes were checked. `into` has the
/// member's size.
[[nodiscard]] FromArchive<void> read_zip_bytes(int file, std::int64_t file_bytes,
                                               const ZipMember& member,
                                               std::span<std::uint8_t> into);

/// A small file in an open zip or plain tar, by ListedMember::offset. Too large, a link, encrypted:
/// refused.
[[nodiscard]] FromArchive<std::string> read_small_member(int archive, std::int64_t offset,
                                                         std::size_t bytes_max);

}  // namespace photoscribe
