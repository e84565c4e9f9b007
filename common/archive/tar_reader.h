// tar_reader: the members of a tar, in order, through libarchive. Nothing is unpacked to disk.
//
// A plain tar may be entered at any member's offset, and what is passed over is not read. One that
// is compressed is unpacked from its start on, whatever is wanted of it; that much of it is bounded
// by what was read (a bomb's ratio). Not safe for several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/archive/archive_failure.h"
#include "common/archive/archive_kind.h"
#include "common/core/file_descriptor.h"

namespace photoscribe {

struct TarMember {
  std::string name;             // raw bytes, as libarchive has it: names in pax headers are UTF-8
  std::int64_t offset = 0;      // of its (first) header in the unpacked archive
  std::int64_t size_bytes = 0;  // unpacked, holes of a sparse one included
  /// What it is when it is no file: "a folder", "a link to x" …; nullptr or empty: a file.
  std::string otherwise;
  bool is_folder = false;
};

class TarReader {
 public:
  /// Called now and then while bytes are read and passed over.
  using OnProgress = std::function<void()>;

  /// Of a tar from the header at `offset` on; a packed one from its start.
  [[nodiscard]] static FromArchive<TarReader> open(FileDescriptor file, ArchiveKind kind,
                                                   std::int64_t offset = 0,
                                                   OnProgress on_progress = {});
  TarReader(TarReader&&) noexcept;
  TarReader& operator=(TarReader&&) noexcept;
  ~TarReader();

  /// The next member, or nothing at the end. Nothing can be read after a failure.
  [[nodiscard]] FromArchive<std::optional<TarMember>> next();
  /// The next bytes of that member, as many as `into` takes; fewer are left. Holes are zeros.
  [[nodiscard]] FromArchive<std::size_t> read(std::span<std::uint8_t> into);

 private:
  struct Impl;
  explicit TarReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The bytes of the zip member whose local header is at `local_offset`, for methods other than
/// those that are unpacked without libarchive. Fills `into`, which has the member's size.
[[nodiscard]] FromArchive<void> read_zip_member(int file, std::int64_t local_offset,
                                                std::span<std::uint8_t> into);

}  // namespace photoscribe
