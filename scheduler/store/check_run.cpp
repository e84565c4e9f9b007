#include "scheduler/store/check_run.h"

#include <sys/stat.h>

#include "common/sqlite/storage.h"
#include "migrations/migrations.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

std::int64_t count(sqlite::Database& db, const char* sql, RunId run) {
  auto row = db.query(sql);
  row.with(run).step();
  return row.integer(0);
}

Expected<RunId> id_of(sqlite::Database& db, const std::string& name) {
  auto row = db.query("SELECT run_id FROM run WHERE name = ?");
  if (!row.with(name).step()) return fail(Errc::usage, "no run \"" + name + "\"");
  return row.integer(0);
}

void look(sqlite::Database& db, RunId run, RunCheck& found) {
  found.images = count(db, "SELECT count(*) FROM image WHERE run_id = ?", run);
  found.miscounted =
      count(db,
            "SELECT count(*) FROM (SELECT asked, state, reason, sum(images) AS difference FROM ("
            "  SELECT asked, state, reason, images FROM run_count WHERE run_id = ?1 "
            "  UNION ALL SELECT asked, verdict, coalesce(reason, ''), -count(*) FROM image "
            "    WHERE run_id = ?1 GROUP BY asked, verdict, reason "
            "  UNION ALL SELECT 0, 'vanished', '', -count(*) FROM image "
            "    WHERE run_id = ?1 AND vanished = 1) "
            "GROUP BY asked, state, reason) WHERE difference <> 0",
            run);
  found.lost_results = count(
      db,
      "SELECT count(*) FROM image LEFT JOIN result ON result.image_id = image.image_id "
      "AND result.attempt = image.attempt WHERE image.run_id = ? AND image.state <> 'pending' "
      "AND result.result_id IS NULL",
      run);
  found.other_states =
      count(db,
            "SELECT count(*) FROM image JOIN result ON result.image_id = image.image_id "
            "AND result.attempt = image.attempt WHERE image.run_id = ? "
            "AND (image.state <> result.outcome OR image.reason IS NOT result.reason)",
            run);
  found.misjudged =
      count(db,
            "SELECT count(*) FROM image JOIN result ON result.image_id = image.image_id "
            "AND result.attempt = image.attempt WHERE image.run_id = ?1 AND image.state = 'done' "
            "AND image.unsure <> (coalesce(result.confidence, 1) < (SELECT "
            "  coalesce(json_extract(settings, '$.min_confidence'), 0) FROM run "
            "  JOIN run_settings USING (settings_id) WHERE run.run_id = ?1))",
            run);
  found.enqueued =
      count(db,
            "SELECT count(*) FROM image WHERE run_id = ?1 AND state = 'pending' AND asked = 1 "
            "AND queue_seq <= (SELECT cursor FROM run WHERE run_id = ?1)",
            run);
  found.pending = count(
      db, "SELECT count(*) FROM image WHERE run_id = ? AND state = 'pending' AND asked = 1", run);
}

Status mend(StoreDatabase& store, RunId run, RunCheck& found) {
  const auto row = store.require_run(run);
  if (!row) return fail(row.error());
  sqlite::Database& db = store.db;
  db.query(
        "UPDATE image SET state = result.outcome, unsure = 0, reason = result.reason FROM result "
        "WHERE result.image_id = image.image_id AND result.attempt = image.attempt "
        "AND image.run_id = ? "
        "AND (image.state <> result.outcome OR image.reason IS NOT result.reason)")
      .with(run)
      .run();
  const std::int64_t highest =
      count(db, "SELECT coalesce(max(image_id), 0) FROM image WHERE run_id = ?", run);
  if (found.lost_results > 0) {
    const std::int64_t first = store.extend_queue(run, highest);
    db.query(
          "UPDATE image SET attempt = attempt + 1, state = 'pending', unsure = 0, reason = NULL, "
          "queue_seq = ? + image_id - 1 WHERE run_id = ? AND state <> 'pending' "
          "AND NOT EXISTS (SELECT 1 FROM result WHERE result.image_id = image.image_id "
          "AND result.attempt = image.attempt)")
        .with(first, run)
        .run();
  }
  store.judge_unsure(run, row->settings.min_confidence);
  store.recount(run);
  found.mended = true;
  return {};
}

void look_at_files(sqlite::Database& db, RunId run, RunCheck& found) {
  auto row = db.query(
      "SELECT root.folder, path, size_bytes, mtime_ns FROM image JOIN root USING (root_id) "
      "WHERE run_id = ? AND asked = 1");
  row.with(run);
  while (row.step()) {
    const std::string path = row.text(0) + "/" + row.text(1);
    struct ::stat about {};
    const bool there = ::stat(path.c_str(), &about) == 0;
    const std::int64_t mtime_ns =
        static_cast<std::int64_t>(about.st_mtim.tv_sec) * 1'000'000'000 + about.st_mtim.tv_nsec;
    if (there && about.st_size == row.integer(2) && mtime_ns == row.integer(3)) continue;
    if (found.missing + found.changed == 0) found.example = sqlite::text_of(path);
    ++(there ? found.changed : found.missing);
  }
}

}  // namespace

Expected<RunCheck> check_run(const std::string& database, const std::string& run, bool with_files) {
  auto db = sqlite::Database::open(database, sqlite::Mode::read_only);
  if (!db) return fail(db.error());
  if (Status known = migrations::check(*db); !known) return fail(known.error());
  return db->read("check the run", [&]() -> Expected<RunCheck> {
    const Expected<RunId> id = id_of(*db, run);
    if (!id) return fail(id.error());
    RunCheck found;
    look(*db, *id, found);
    if (with_files) look_at_files(*db, *id, found);
    return found;
  });
}

Expected<RunCheck> mend_run(const std::string& database, const std::string& run, bool with_files) {
  auto opened = StoreDatabase::open_locked(database);
  if (!opened) return fail(opened.error());
  StoreDatabase& store = **opened;
  auto mended = store.db.write("mend the run", [&]() -> Expected<RunCheck> {
    const Expected<RunId> id = id_of(store.db, run);
    if (!id) return fail(id.error());
    RunCheck found;
    look(store.db, *id, found);
    if (found.faults() > 0) {
      if (Status done = mend(store, *id, found); !done) return fail(done.error());
    }
    return found;
  });
  if (!mended || !with_files) return mended;
  const auto files = store.db.read("check the photos", [&]() -> Expected<RunCheck> {
    const Expected<RunId> id = id_of(store.db, run);
    if (!id) return fail(id.error());
    RunCheck seen;
    look_at_files(store.db, *id, seen);
    return seen;
  });
  if (!files) return files;
  mended->missing = files->missing;
  mended->changed = files->changed;
  mended->example = files->example;
  return mended;
}

}  // namespace photoscribe
