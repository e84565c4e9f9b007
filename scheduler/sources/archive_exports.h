// archive_exports: what exports of Google, Facebook … say of the photos in archives that belong
// together: those of one folder, or those that a command names. Private to scheduler/sources.
//
// Exports come in parts, and what is said of a photo may lie in another part than the photo. So
// archives of one series (names that differ in the numbers at their end: takeout-…-001.zip,
// -002.zip) are one tree; across series photos are known by the numbers of their service alone.
//
// Members are noted while their archives are listed. Zips and plain tars are read again where a
// photo needs it; of compressed tars the texts themselves are kept, within bounds.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/file_descriptor.h"
#include "scheduler/sources/archive_listing.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

/// "takeout-20240101T101010Z-001.zip", "… (1).zip" and "…-2.tgz" are parts of
/// "takeout-20240101T101010Z".
[[nodiscard]] std::string series_of(std::string_view archive_name);

class ArchiveExports {
 public:
  ArchiveExports();
  ArchiveExports(ArchiveExports&&) noexcept;
  ArchiveExports& operator=(ArchiveExports&&) noexcept;
  ~ArchiveExports();

  /// What is noted from now on are members of this archive, an absolute path.
  void begin(const std::string& archive);
  /// A member of any kind. Fails as the listing does.
  [[nodiscard]] FromArchive<void> note(const ListedMember& member, ArchiveListing& listing);

  /// Whether anything may say something of photos.
  [[nodiscard]] bool tells() const;
  /// Texts that were left out, since there were too many of them.
  [[nodiscard]] std::int64_t left_out() const;

  /// Once all archives were noted. What is said of this member of one of them; empty: nothing.
  [[nodiscard]] KeptValues of(const std::string& archive, const std::string& member);
  /// Photos by the export that says something of them.
  [[nodiscard]] std::map<std::string, std::int64_t> described() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace photoscribe
