// zip_directory: the members of a zip archive by the directory at its end; zip64, too.
//
// Strict: what contradicts itself, or lies outside the file, is damage. Reads the directory alone,
// never a member's bytes; the archive may be of any size and come from anybody. Unpacks nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/archive/archive_failure.h"

namespace photoscribe {

/// Fills `into` with the file's bytes from `offset` on; as many as there are. The error is an
/// errno.
using ReadAt = std::function<tl::expected<std::size_t, int>(std::int64_t offset,
                                                            std::span<std::uint8_t> into)>;
[[nodiscard]] ReadAt read_file_at(int file);

struct ZipMember {
  std::string name;             // raw bytes
  std::int64_t offset = 0;      // of its header in the directory
  std::int64_t size_bytes = 0;  // unpacked
  std::int64_t packed_bytes = 0;
  std::int64_t local_offset = 0;  // of the header before its bytes
  std::uint32_t crc32 = 0;
  std::uint16_t method = 0;  // 0 stored, 8 deflated …
  std::uint32_t mode = 0;    // of Unix, with the kind of file; 0: another system's
  bool encrypted = false;
  [[nodiscard]] bool is_folder() const noexcept;
  [[nodiscard]] bool is_link() const noexcept;
};

class ZipDirectory {
 public:
  /// Finds the directory.
  [[nodiscard]] static FromArchive<ZipDirectory> open(ReadAt read, std::int64_t file_bytes);

  [[nodiscard]] std::int64_t members() const noexcept { return members_; }
  /// The next member, or nothing at the end. Nothing can be read after a failure. Members that
  /// overlap (a bomb's do) are damage.
  [[nodiscard]] FromArchive<std::optional<ZipMember>> next();

 private:
  ZipDirectory(ReadAt read, std::int64_t file_bytes) : read_(std::move(read)), bytes_(file_bytes) {}
  [[nodiscard]] FromArchive<std::span<const std::uint8_t>> peek(std::size_t count);

  ReadAt read_;
  std::int64_t bytes_;
  std::int64_t members_ = 0, seen_ = 0;
  std::int64_t position_ = 0, end_ = 0;  // of the directory
  std::int64_t claimed_ = 0;             // bytes of the file that the members so far take
  std::vector<std::uint8_t> block_;      // from block_at_ on
  std::int64_t block_at_ = 0;
};

/// The member whose header in the directory is at `offset`.
[[nodiscard]] FromArchive<ZipMember> zip_member_at(const ReadAt& read, std::int64_t file_bytes,
                                                   std::int64_t offset);
/// Where its packed bytes begin; all of them lie in the file.
[[nodiscard]] FromArchive<std::int64_t> zip_data_offset(const ReadAt& read, std::int64_t file_bytes,
                                                        const ZipMember& member);

}  // namespace photoscribe
