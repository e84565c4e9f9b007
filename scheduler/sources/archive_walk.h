// archive_walk: the photos of one archive, as files of a walk. Private to scheduler/sources.
//
// Photos of a tar come with the texts that lie beside them under the same key: the name up to the
// first dot of its last part, in members that follow each other (WebDataset).
//
// Names decide, as in folders: photos by their extension, hidden ones left out, archives in
// archives not entered. Whether a member can be read is for the worker to find out, as with a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/archive/member_numbers.h"
#include "scheduler/sources/archive_exports.h"
#include "scheduler/sources/archive_listing.h"
#include "scheduler/sources/sources.h"
#include "scheduler/sources/walk_filter.h"

namespace photoscribe {

class ArchiveWalk {
 public:
  /// Whether there is a real file of this relative path: it keeps the name, and a member gets a
  /// number.
  using IsFile = std::function<bool(const std::string& path)>;

  /// `archive`: the file itself, as a walk finds it. `options` outlives this. Without `is_file` no
  /// file has a member's path.
  /// `exports`: is told of every member; nullptr: nobody is.
  ArchiveWalk(FoundFile archive, ArchiveListing listing, const WalkOptions& options, IsFile is_file,
              ArchiveExports* exports = nullptr);

  enum class Step : std::uint8_t { photo, other, end };
  /// Goes on by one member at most; a photo is added to `found`.
  [[nodiscard]] FromArchive<Step> step(std::vector<FoundFile>& found, SkippedNames& skipped);

  [[nodiscard]] const FoundFile& archive() const noexcept { return archive_; }
  [[nodiscard]] std::int64_t photos() const noexcept { return photos_; }
  [[nodiscard]] std::int64_t filtered() const noexcept { return filtered_; }
  /// How many archives are in it, and the first of them.
  [[nodiscard]] std::int64_t nested() const noexcept { return nested_; }
  [[nodiscard]] const std::string& first_nested() const noexcept { return first_nested_; }
  [[nodiscard]] bool has_changed() const { return listing_.has_changed(); }

 private:
  [[nodiscard]] FromArchive<void> take(const ListedMember& member, SkippedNames& skipped);
  [[nodiscard]] FromArchive<void> take_text(std::string_view file_name);
  void end_group(SkippedNames& skipped);

  /// Members in a row under one key.
  struct Group {
    std::string key;
    std::vector<FoundFile> photos;
    std::vector<std::pair<std::string, std::string>> kept;
    std::string reference;
    std::vector<std::string> texts;  // names of members that these are from
  };

  FoundFile archive_;
  ArchiveListing listing_;
  const WalkOptions& options_;
  IsFile is_file_;
  ArchiveExports* exports_;
  MemberNumbers numbers_;
  std::int64_t members_ = 0, photos_ = 0, filtered_ = 0, nested_ = 0;
  std::string first_nested_;
  Group group_;
  std::deque<FoundFile> ready_;  // whose groups have ended
  bool ended_ = false;
  std::optional<ArchiveFailure> failure_;  // once ended_
};

}  // namespace photoscribe
