// Where a run's photos lie: roots, places of links, archives.
#include "common/sqlite/storage.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {

Expected<std::vector<KnownArchive>> Manifest::known_archives(RunId run) {
  return impl_->db.read("list known archives", [&] {
    std::vector<KnownArchive> all;
    auto row = impl_->db.query(
        "SELECT root.name, path, size_bytes, mtime_ns, inode, options, photos, damage "
        // With other rows than that walk chose, it is listed again.
        "FROM walked_archive AS walked JOIN root USING (root_id) WHERE run_id = ? AND photos = "
        "(SELECT count(*) FROM image WHERE image.run_id = walked.run_id "
        "AND image.root_id = walked.root_id "
        "AND image.path >= CAST(walked.path || '!' AS BLOB) "
        "AND image.path < CAST(walked.path || '\"' AS BLOB) "
        "AND image.archive_bytes = length(walked.path) AND image.mtime_ns = walked.mtime_ns)");
    row.with(run);
    while (row.step()) {
      FoundFile file;
      file.path = row.text(1);
      file.size_bytes = row.integer(2);
      file.mtime_ns = row.integer(3);
      file.inode = row.integer(4);
      file.archive = WalkedArchive{row.text(5), row.integer(6), row.text(7), true};
      all.push_back({row.text(0), std::move(file)});
    }
    return all;
  });
}

Expected<std::vector<Root>> Manifest::known_roots() {
  return impl_->db.read("list roots", [&] {
    std::vector<Root> all;
    auto row = impl_->db.query("SELECT name, folder FROM root ORDER BY root_id");
    while (row.step()) all.push_back({row.text(0), row.text(1)});
    return all;
  });
}

Expected<std::vector<Root>> Lookup::roots(RunId run) {
  return impl_->db.read("list the run's roots", [&] {
    std::vector<Root> all;
    auto row = impl_->db.query(
        "SELECT name, folder FROM run_root JOIN root USING (root_id) WHERE run_id = ? "
        "ORDER BY root_id");
    row.with(run);
    while (row.step()) all.push_back({row.text(0), row.text(1)});
    return all;
  });
}

Expected<std::vector<std::string>> Manifest::link_stores(RunId run) {
  return impl_->db.read("list the stores of links", [&] {
    std::vector<std::string> all;
    auto row = impl_->db.query("SELECT path FROM link_store WHERE run_id = ? ORDER BY path");
    row.with(run);
    while (row.step()) all.push_back(row.text(0));
    return all;
  });
}

Status Manifest::add_link_stores(RunId run, const std::vector<std::string>& paths) {
  if (paths.empty()) return {};
  return impl_->db.write("add stores of links", [&] {
    for (const std::string& path : paths) {
      impl_->db.query("INSERT INTO link_store VALUES (?, ?) ON CONFLICT DO NOTHING")
          .with(run, sqlite::Blob{path})
          .run();
    }
  });
}

Expected<std::int64_t> Manifest::photos_in(RunId run, const std::string& root,
                                           const std::string& folder) {
  return impl_->db.read("count photos of a folder", [&] {
    // Paths in it sort from "folder/" to "folder0", since '0' follows '/'; no byte is above 0xff.
    const std::string from = folder.empty() ? "" : folder + '/';
    const std::string to = folder.empty() ? "\xff\xff\xff\xff" : folder + '0';
    auto row = impl_->db.query(
        "SELECT count(*) FROM image JOIN root USING (root_id) WHERE root.name = ? "
        "AND run_id = ? AND vanished = 0 AND path >= ? AND path < ?");
    row.with(root, run, sqlite::Blob{from}, sqlite::Blob{to}).step();
    return row.integer(0);
  });
}

}  // namespace photoscribe
