// Comparing the manifest with the files on disk.
#include "scheduler/store/scan_impl.h"

namespace photoscribe {

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
    impl.add_all(files, changes);
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
