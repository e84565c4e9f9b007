// scan_impl: what a scan remembers, and its rows. Private to scan.cpp and scan_compare.cpp.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <algorithm>
#include <set>
#include <span>

#include "common/remote/photo_url.h"
#include "common/sqlite/storage.h"
#include "scheduler/store/image_extensions.h"
#include "scheduler/store/kept_columns.h"
#include "scheduler/store/paths.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {

/// A row of table image, as far as a scan looks at it.
struct ImageRow {
  std::int64_t image_id = 0;
  std::int64_t size_bytes = 0, mtime_ns = 0, inode = 0;
  std::string state, reason;
  bool asked = true, vanished = false;
  std::int64_t queue_seq = 0, settings_id = 0;
  std::optional<ArchiveMember> member;
};

/// What image_row() reads.
#define PHOTOSCRIBE_IMAGE_ROWS                                                           \
  "SELECT image_id, size_bytes, mtime_ns, inode, verdict, coalesce(reason, ''), asked, " \
  "vanished, queue_seq, settings_id, member_offset, archive_bytes FROM image "

/// One or more rows of PHOTOSCRIBE_IMAGE_VALUES follow.
#define PHOTOSCRIBE_INSERT_IMAGES                                                      \
  "INSERT INTO image (run_id, root_id, path, path_text, size_bytes, mtime_ns, inode, " \
  "queue_seq, settings_id, member_offset, archive_bytes) VALUES "
#define PHOTOSCRIBE_IMAGE_VALUES "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

inline ImageRow image_row(const sqlite::Query& row) {
  return ImageRow{row.integer(0),
                  row.integer(1),
                  row.integer(2),
                  row.integer(3),
                  row.text(4),
                  row.text(5),
                  row.integer(6) != 0,
                  row.integer(7) != 0,
                  row.integer(8),
                  row.integer(9),
                  StoreDatabase::member(row, 10)};
}

inline std::optional<std::int64_t> offset_of(const std::optional<ArchiveMember>& member) {
  if (!member) return std::nullopt;
  return member->offset;
}
inline std::optional<std::int64_t> archive_bytes_of(const std::optional<ArchiveMember>& member) {
  if (!member) return std::nullopt;
  return member->archive_size;
}

inline constexpr std::size_t kInsertedAtOnce = 32;

struct Scan::Impl {
  StoreDatabase& store;
  RunId run;
  std::vector<std::int64_t> root_ids;
  std::vector<bool> is_web_root;  // as root_ids: its paths are text already, with a % of their own
  bool redo = false;
  bool has_references = false;  // some came with photos
  bool had_images = false;      // then most files have rows: look before inserting
  std::vector<bool> seen;       // by image_id
  ScanCounts counts;
  Stale stale;
  KeptColumns columns;

  // Of the transaction in progress.
  std::int64_t cursor = 0, queue_end = 0;
  std::vector<std::size_t> marked;
  std::optional<SQLite::Statement> many;  // inserts kInsertedAtOnce rows

  Impl(StoreDatabase& owner, RunId id) : store(owner), run(id), columns(owner.db) {}

  bool mark_seen(std::int64_t image_id) {
    const auto index = static_cast<std::size_t>(image_id);
    if (index >= seen.size()) seen.resize(std::max(index + 1, seen.size() * 2));
    if (seen[index]) return false;
    seen[index] = true;
    marked.push_back(index);
    return true;
  }

  [[nodiscard]] bool is_seen(std::int64_t image_id) const {
    const auto index = static_cast<std::size_t>(image_id);
    return index < seen.size() && seen[index];
  }

  std::optional<ImageRow> find(std::int64_t root_id, const std::string& path) {
    auto row =
        store.db.query(PHOTOSCRIBE_IMAGE_ROWS "WHERE root_id = ? AND path = ? AND run_id = ?");
    if (!row.with(root_id, sqlite::Blob{path}, run).step()) return std::nullopt;
    return image_row(row);
  }

  [[nodiscard]] std::optional<std::string> text_of_path(const FoundFile& file) const {
    if (is_web_root.at(static_cast<std::size_t>(file.root))) return std::nullopt;
    return text_if_needed(file.path);
  }

  /// The new row's id; none: the image has a row already.
  std::optional<std::int64_t> insert(std::int64_t root_id, const FoundFile& file) {
    const int rows =
        store.db.query(PHOTOSCRIBE_INSERT_IMAGES PHOTOSCRIBE_IMAGE_VALUES " ON CONFLICT DO NOTHING")
            .with(run, root_id, sqlite::Blob{file.path}, text_of_path(file), file.size_bytes,
                  file.mtime_ns, file.inode, queue_end + 1, stale.now, offset_of(file.member),
                  archive_bytes_of(file.member))
            .run();
    if (rows == 0) return std::nullopt;
    ++queue_end;
    return store.db.handle().getLastInsertRowid();
  }
  /// The image's row is new.
  void took(std::int64_t image_id, const FoundFile& file) {
    mark_seen(image_id);
    (void)columns.add(image_id, file.kept);
    keep_reference(image_id, file);
  }
  /// Photos and members of archives, exactly kInsertedAtOnce of them. Where some are not new,
  /// numbers of the queue are left out.
  void insert_many(std::span<const FoundFile> files, CountChanges& changes);

  void compare(const ImageRow& row, const FoundFile& file, CountChanges& changes);
  void compare_content(const ImageRow& row, const FoundFile& file, CountChanges& changes);
  void named_but_gone(const ImageRow& row, CountChanges& changes);
  void add_all(std::span<const FoundFile> files, CountChanges& changes);
  void add_one(const FoundFile& file, CountChanges& changes);
  void add_archive(const FoundFile& archive, CountChanges& changes);
  void keep_reference(std::int64_t image_id, const FoundFile& file);
  /// What search has of the photo is of before.
  void search_again(std::int64_t image_id) {
    store.db.query("INSERT OR IGNORE INTO photo_search_stale VALUES (?)").with(image_id).run();
  }
  void unseen(const ImageRow& row, bool vanished, CountChanges& changes);
};

}  // namespace photoscribe
