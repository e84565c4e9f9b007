// Comparing the manifest with the files on disk.
#include <algorithm>
#include <set>

#include "common/remote/photo_url.h"
#include "common/sqlite/storage.h"
#include "scheduler/store/image_extensions.h"
#include "scheduler/store/kept_columns.h"
#include "scheduler/store/paths.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

struct ImageRow {
  std::int64_t image_id = 0;
  std::int64_t size_bytes = 0, mtime_ns = 0, inode = 0;
  std::string state, reason;
  bool asked = true, vanished = false;
  std::int64_t queue_seq = 0, settings_id = 0;
  std::optional<ArchiveMember> member;
};

std::optional<std::int64_t> offset_of(const std::optional<ArchiveMember>& member) {
  if (!member) return std::nullopt;
  return member->offset;
}
std::optional<std::int64_t> archive_bytes_of(const std::optional<ArchiveMember>& member) {
  if (!member) return std::nullopt;
  return member->archive_size;
}

}  // namespace

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

  Impl(StoreDatabase& owner, RunId id) : store(owner), run(id), columns(owner.db) {}

  bool mark_seen(std::int64_t image_id) {
    const auto index = static_cast<std::size_t>(image_id);
    if (index >= seen.size()) seen.resize(std::max(index + 1, seen.size() * 2));
    if (seen[index]) return false;
    seen[index] = true;
    marked.push_back(index);
    return true;
  }

  std::optional<ImageRow> find(std::int64_t root_id, const std::string& path) {
    auto row = store.db.query(
        "SELECT image_id, size_bytes, mtime_ns, inode, verdict, coalesce(reason, ''), asked, "
        "vanished, queue_seq, settings_id, member_offset, archive_bytes FROM image "
        "WHERE root_id = ? AND path = ? AND run_id = ?");
    if (!row.with(root_id, sqlite::Blob{path}, run).step()) return std::nullopt;
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

  [[nodiscard]] std::optional<std::string> text_of_path(const FoundFile& file) const {
    if (is_web_root.at(static_cast<std::size_t>(file.root))) return std::nullopt;
    return text_if_needed(file.path);
  }

  /// False when the image has a row already.
  bool insert(std::int64_t root_id, const FoundFile& file) {
    const int rows =
        store.db
            .query(
                "INSERT INTO image (run_id, root_id, path, path_text, size_bytes, mtime_ns, inode, "
                "queue_seq, settings_id, member_offset, archive_bytes) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING")
            .with(run, root_id, sqlite::Blob{file.path}, text_of_path(file), file.size_bytes,
                  file.mtime_ns, file.inode, queue_end + 1, stale.now, offset_of(file.member),
                  archive_bytes_of(file.member))
            .run();
    if (rows == 0) return false;
    ++queue_end;
    const std::int64_t image_id = store.db.handle().getLastInsertRowid();
    mark_seen(image_id);
    (void)columns.add(image_id, file.kept);
    return true;
  }

  void compare(const ImageRow& row, const FoundFile& file, CountChanges& changes);
  void compare_content(const ImageRow& row, const FoundFile& file, CountChanges& changes);
  void named_but_gone(const ImageRow& row, CountChanges& changes);
  void add_one(const FoundFile& file, CountChanges& changes);
  void add_archive(const FoundFile& archive, CountChanges& changes);
  void keep_reference(std::int64_t image_id, const FoundFile& file);
  /// What search has of the photo is of before.
  void search_again(std::int64_t image_id) {
    store.db.query("INSERT OR IGNORE INTO photo_search_stale VALUES (?)").with(image_id).run();
  }
  void unseen(const ImageRow& row, bool vanished, CountChanges& changes);
};

void Scan::Impl::compare(const ImageRow& row, const FoundFile& file, CountChanges& changes) {
  if (!mark_seen(row.image_id)) {
    if (columns.add(row.image_id, file.kept) > 0) search_again(row.image_id);
    ++counts.repeated;
    return;
  }
  if (columns.keep(row.image_id, file.kept) > 0) search_again(row.image_id);
  if (!file.exists) return named_but_gone(row, changes);
  compare_content(row, file, changes);
}

void Scan::Impl::compare_content(const ImageRow& row, const FoundFile& file,
                                 CountChanges& changes) {
  const auto now_asked = [&](std::string_view state, std::string_view reason) {
    changes.add(row.asked, row.state, row.reason, -1);
    changes.add(true, state, reason, +1);
    if (row.vanished) changes.add(false, "vanished", "", -1);
  };
  // Which links may be followed is decided by each scan, and this one may.
  const bool was_out = row.state == "failed" && row.reason == to_string(Reason::outside_root);
  const bool changed = was_out || row.size_bytes != file.size_bytes ||
                       row.mtime_ns != file.mtime_ns || row.member != file.member;
  if (changed || stale.redo.contains(row.settings_id)) {
    store.db
        .query(
            "UPDATE image SET attempt = attempt + 1, content_attempt = attempt + 1, state = "
            "'pending', "
            "unsure = 0, reason = NULL, asked = 1, vanished = 0, size_bytes = ?, mtime_ns = ?, "
            "inode = ?, "
            "queue_seq = ?, settings_id = ?, member_offset = ?, archive_bytes = ? "
            "WHERE image_id = ?")
        .with(file.size_bytes, file.mtime_ns, file.inode, ++queue_end, stale.now,
              offset_of(file.member), archive_bytes_of(file.member), row.image_id)
        .run();
    now_asked("pending", "");
    ++(changed ? counts.changed : counts.redone);
    return;
  }
  ++counts.unchanged;
  if (row.asked) return;
  // Its task was dropped, or never enqueued: before the cursor it would never be enqueued (H5).
  const std::int64_t queue_seq =
      row.state == "pending" && row.queue_seq <= cursor ? ++queue_end : row.queue_seq;
  store.db
      .query(
          "UPDATE image SET asked = 1, vanished = 0, inode = ?, queue_seq = ? WHERE image_id = ?")
      .with(file.inode, queue_seq, row.image_id)
      .run();
  now_asked(row.state, row.reason);
  ++counts.returned;
}

/// A result outlives its photo, also where a list goes on naming it; else the worker says why.
void Scan::Impl::named_but_gone(const ImageRow& row, CountChanges& changes) {
  if (row.state != "pending" && row.state != "failed") return unseen(row, true, changes);
  FoundFile as_before;
  as_before.size_bytes = row.size_bytes;
  as_before.mtime_ns = row.mtime_ns;
  as_before.inode = row.inode;
  compare_content(row, as_before, changes);
}

void Scan::Impl::add_one(const FoundFile& file, CountChanges& changes) {
  if (file.archive) return add_archive(file, changes);
  const std::int64_t root_id = root_ids.at(static_cast<std::size_t>(file.root));
  if (had_images) {
    if (const auto row = find(root_id, file.path)) {
      compare(*row, file, changes);
      return keep_reference(row->image_id, file);
    }
  }
  if (insert(root_id, file)) {
    ++counts.added;
    changes.add(true, "pending", "", +1);
    const std::int64_t image_id = store.db.handle().getLastInsertRowid();
    keep_reference(image_id, file);
  } else if (const auto row = find(root_id, file.path)) {
    compare(*row, file, changes);
    keep_reference(row->image_id, file);
  }
}

void Scan::Impl::keep_reference(std::int64_t image_id, const FoundFile& file) {
  if (!file.reference.empty() &&
      store.references(image_id) != std::vector<std::string>{file.reference}) {
    store.set_references(image_id, {file.reference});
    has_references = true;
  }
}

/// An archive that was walked, or whose rows stand for it since it is unchanged.
void Scan::Impl::add_archive(const FoundFile& archive, CountChanges& changes) {
  const std::int64_t root_id = root_ids.at(static_cast<std::size_t>(archive.root));
  if (!archive.archive->again) {
    store.db.query("INSERT OR REPLACE INTO walked_archive VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .with(run, root_id, sqlite::Blob{archive.path}, archive.size_bytes, archive.mtime_ns,
              archive.inode, archive.archive->options, archive.archive->photos,
              archive.archive->damage)
        .run();
    return;
  }
  std::vector<std::pair<ImageRow, FoundFile>> members;
  {
    // Paths of members lie between "archive!" and "archive\"", the next byte.
    auto row = store.db.query(
        "SELECT image_id, size_bytes, mtime_ns, inode, verdict, coalesce(reason, ''), asked, "
        "vanished, queue_seq, settings_id, member_offset, archive_bytes FROM image "
        "WHERE root_id = ?1 AND path >= ?2 AND path < ?3 AND run_id = ?4 AND archive_bytes = ?5 "
        "ORDER BY image_id");
    row.with(root_id, sqlite::Blob{archive.path + "!"}, sqlite::Blob{archive.path + "\""}, run,
             archive.path.size());
    while (row.step()) {
      ImageRow image{row.integer(0),
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
      // Another archive's mtime: of a member that an earlier scan found and the last one did not.
      if (image.mtime_ns != archive.mtime_ns) continue;
      FoundFile file;
      file.size_bytes = image.size_bytes;
      file.mtime_ns = archive.mtime_ns;
      file.inode = archive.inode;
      file.member = image.member;
      members.emplace_back(std::move(image), std::move(file));
    }
  }
  for (const auto& [row, file] : members) compare(row, file, changes);
}

void Scan::Impl::unseen(const ImageRow& row, bool vanished, CountChanges& changes) {
  if (row.state != "pending" && stale.other.contains(row.settings_id)) ++counts.left_as_they_were;
  if (!vanished) {
    ++counts.not_asked;
    if (!row.asked) return;
  } else if (row.vanished) {
    return;
  } else {
    ++counts.vanished;
    changes.add(false, "vanished", "", +1);
  }
  store.db.query("UPDATE image SET asked = 0, vanished = ? WHERE image_id = ?")
      .with(vanished || row.vanished, row.image_id)
      .run();
  if (row.asked) {
    changes.add(true, row.state, row.reason, -1);
    changes.add(false, row.state, row.reason, +1);
  }
}

Scan::Scan(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Scan::Scan(Scan&&) noexcept = default;
Scan& Scan::operator=(Scan&&) noexcept = default;
Scan::~Scan() = default;

const ScanCounts& Scan::counts() const { return impl_->counts; }

Status Scan::add(std::span<const FoundFile> files) {
  Impl& impl = *impl_;
  sqlite::Database& db = impl.store.db;
  const ScanCounts before = impl.counts;
  Status added = db.write("add photos", [&] {
    {
      auto row = db.query("SELECT cursor, queue_end FROM run WHERE run_id = ?");
      row.with(impl.run).step();
      impl.cursor = row.integer(0);
      impl.queue_end = row.integer(1);
    }
    CountChanges changes(impl.run);
    for (const FoundFile& file : files) impl.add_one(file, changes);
    changes.flush(db);
    db.query("UPDATE run SET queue_end = ? WHERE run_id = ?").with(impl.queue_end, impl.run).run();
  });
  if (!added) {  // as if it had not been tried: the caller may retry
    impl.counts = before;
    for (const std::size_t index : impl.marked) impl.seen[index] = false;
    impl.columns.forget();
  }
  impl.marked.clear();
  return added;
}

Expected<ScanCounts> Scan::finish(std::span<const Walked> walked,
                                  std::span<const SkippedExtension> skipped,
                                  std::span<const Unknown> unknown) {
  Impl& impl = *impl_;
  sqlite::Database& db = impl.store.db;
  std::set<std::pair<std::int64_t, std::string>> hidden;
  for (const Unknown& part : unknown)
    hidden.emplace(impl.root_ids.at(static_cast<std::size_t>(part.root)), part.prefix);
  const auto is_hidden = [&](std::int64_t root_id, std::string path) {
    while (!hidden.contains({root_id, path})) {
      if (path.empty()) return false;
      const auto slash = path.rfind('/');
      path.resize(slash == std::string::npos ? 0 : slash);
    }
    return true;
  };
  const auto was_walked = [&](std::int64_t root_id, const std::string& path,
                              std::int64_t archive_bytes) {
    const std::string file(file_on_disk(path, archive_bytes));
    return std::any_of(walked.begin(), walked.end(), [&](const Walked& part) {
      return impl.root_ids.at(static_cast<std::size_t>(part.root)) == root_id &&
             (part.prefix.empty() || lies_in(file, part.prefix)) &&
             (archive_bytes == 0 || part.archives || part.prefix == file) &&
             (part.every_name || has_image_extension(photo_base_name(path, archive_bytes)));
    });
  };
  return db.write("end the scan", [&] {
    CountChanges changes(impl.run);
    // Gathered in pages, since a row may not change under the statement that reads it.
    struct Unseen {
      ImageRow row;
      bool vanished;
    };
    std::int64_t last = 0;
    for (bool more = true; more;) {
      std::vector<Unseen> page;
      {
        auto row = db.query(
            "SELECT image_id, verdict, coalesce(reason, ''), asked, vanished, root_id, path, "
            "settings_id, coalesce(archive_bytes, 0) FROM image "
            "WHERE image_id > ? AND run_id = ? ORDER BY image_id LIMIT 20000");
        row.with(last, impl.run);
        more = false;
        while (row.step()) {
          more = true;
          last = row.integer(0);
          const auto index = static_cast<std::size_t>(last);
          if (index < impl.seen.size() && impl.seen[index]) continue;
          const std::string path = row.text(6);
          if (!hidden.empty() &&
              is_hidden(row.integer(5), std::string(file_on_disk(path, row.integer(8)))))
            continue;
          ImageRow image;
          image.image_id = last;
          image.state = row.text(1);
          image.reason = row.text(2);
          image.asked = row.integer(3) != 0;
          image.vanished = row.integer(4) != 0;
          image.settings_id = row.integer(7);
          page.push_back({std::move(image), was_walked(row.integer(5), path, row.integer(8))});
        }
      }
      for (const Unseen& one : page) impl.unseen(one.row, one.vanished, changes);
    }
    changes.flush(db);
    if (impl.redo) impl.store.redo_scanned(impl.run);
    if (impl.has_references) impl.store.score_missing(impl.run);
    db.query("DELETE FROM skipped_extension WHERE run_id = ?").with(impl.run).run();
    for (const SkippedExtension& one : skipped) {
      db.query(
            "INSERT INTO skipped_extension VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET files = files + excluded.files")
          .with(impl.run, sqlite::text_of(one.extension), one.files)
          .run();
    }
    return impl.counts;
  });
}

Expected<Scan> Manifest::begin_scan(RunId run, std::vector<Root> roots, bool redo) {
  sqlite::Database& db = impl_->db;
  return db.write("begin a scan", [&]() -> Expected<Scan> {
    if (auto known = impl_->require_run(run); !known) return fail(known.error());
    auto scan = std::make_unique<Scan::Impl>(*impl_, run);
    Expected<Stale> stale = impl_->stale_settings(run, redo);
    if (!stale) return fail(stale.error());
    scan->stale = std::move(*stale);
    scan->redo = redo;
    for (const Root& root : roots) {
      db.query(
            "INSERT INTO root (name, folder, folder_text) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
          .with(root.name, sqlite::Blob{root.folder}, text_if_needed(root.folder))
          .run();
      auto row = db.query("SELECT root_id FROM root WHERE name = ? AND folder = ?");
      if (!row.with(root.name, sqlite::Blob{root.folder}).step()) {
        return fail(Errc::usage,
                    "root " + root.name + ": folder " + sqlite::text_of(root.folder) +
                        " or this name belongs to another root of the database; plan_sources() "
                        "needs known_roots()");
      }
      scan->root_ids.push_back(row.integer(0));
      scan->is_web_root.push_back(is_web(root.folder));
      db.query("INSERT INTO run_root VALUES (?, ?) ON CONFLICT DO NOTHING")
          .with(run, scan->root_ids.back())
          .run();
    }
    auto any = db.query("SELECT EXISTS (SELECT 1 FROM run_count WHERE run_id = ? AND images > 0)");
    any.with(run).step();
    scan->had_images = any.integer(0) != 0;
    return Scan(std::move(scan));
  });
}

}  // namespace photoscribe
