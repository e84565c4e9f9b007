// archive_listing: the members of one archive, in its order, without their bytes.
//
// A zip's directory, or a tar's headers with its members passed over; a compressed tar is unpacked
// for it, in memory and once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/archive/archive_failure.h"
#include "common/archive/archive_kind.h"

namespace photoscribe {

struct ListedMember {
  std::string name;             // plain_name()
  std::int64_t offset = 0;      // ArchiveMember::offset
  std::int64_t size_bytes = 0;  // unpacked
  bool is_folder = false;
};

class ArchiveListing {
 public:
  /// Fails, too, for what is no archive.
  [[nodiscard]] static FromArchive<ArchiveListing> open(const std::string& file);
  ArchiveListing(ArchiveListing&&) noexcept;
  ArchiveListing& operator=(ArchiveListing&&) noexcept;
  ~ArchiveListing();

  /// The next member, or nothing at the end. After a failure nothing more can be listed.
  [[nodiscard]] FromArchive<std::optional<ListedMember>> next();
  /// The text of the member that next() gave, a file of a tar; none: it is too long, or no text.
  /// May be asked for again.
  [[nodiscard]] FromArchive<std::optional<std::string>> text(std::size_t bytes_max);
  [[nodiscard]] ArchiveKind kind() const;
  /// Whether the file was changed since it was opened: then the list is of no use.
  [[nodiscard]] bool has_changed() const;

 private:
  struct Impl;
  explicit ArchiveListing(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Why `file`, which somebody named, cannot be listed at all; nothing: it can.
[[nodiscard]] std::optional<std::string> why_no_archive(const std::string& file);

}  // namespace photoscribe
