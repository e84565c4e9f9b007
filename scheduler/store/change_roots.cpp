#include "scheduler/store/change_roots.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/sqlite/storage.h"
#include "migrations/migrations.h"
#include "scheduler/store/paths.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

struct RootRow {
  std::int64_t id = 0;
  Root root;
};

std::int64_t number(sqlite::Query& row) {
  row.step();
  return row.integer(0);
}

Expected<sqlite::Database> open_reading(const std::string& database) {
  auto db = sqlite::Database::open(database, sqlite::Mode::read_only);
  if (!db) return fail(db.error());
  if (Status known = migrations::check(*db); !known) return fail(known.error());
  return db;
}

std::vector<RootRow> all_roots(sqlite::Database& db) {
  std::vector<RootRow> all;
  auto row = db.query("SELECT root_id, name, folder FROM root ORDER BY root_id");
  while (row.step()) all.push_back({row.integer(0), {row.text(1), row.text(2)}});
  return all;
}

std::string names_of(const std::vector<RootRow>& roots) {
  std::string out;
  for (const RootRow& one : roots) {
    out +=
        (out.empty() ? "" : ", ") + one.root.name + " (" + sqlite::text_of(one.root.folder) + ")";
  }
  return out.empty() ? "none" : out;
}

Expected<RootRow> root_called(sqlite::Database& db, const std::string& word) {
  const std::vector<RootRow> roots = all_roots(db);
  for (const RootRow& one : roots) {
    if (one.root.folder == word || one.root.name == word) return one;
  }
  return fail(Errc::usage,
              "no root is \"" + sqlite::text_of(word) + "\"; the database has: " + names_of(roots));
}

struct Move {
  RootRow root;
  std::string to;
  std::optional<RootRow> there;  // the root that is `to` already
};

Expected<std::vector<Move>> moves_of(sqlite::Database& db, const std::string& from,
                                     const std::string& to) {
  const std::vector<RootRow> roots = all_roots(db);
  std::string folder = from;
  for (const RootRow& one : roots) {
    if (one.root.name == from) folder = one.root.folder;
  }
  std::vector<Move> moves;
  for (const RootRow& one : roots) {
    if (!lies_in(one.root.folder, folder)) continue;
    const std::string rest = one.root.folder.substr(folder == "/" ? 0 : folder.size());
    moves.push_back({one, to == "/" && !rest.empty() ? rest : to + rest, std::nullopt});
  }
  if (moves.empty()) {
    return fail(Errc::usage,
                sqlite::text_of(from) +
                    ": no root is this folder or inside it; the database has: " + names_of(roots));
  }
  for (Move& move : moves) {
    for (const RootRow& one : roots) {
      if (one.root.folder == move.to) move.there = one;
    }
    if (move.there && move.there->id == move.root.id) {
      return fail(Errc::usage, "root " + move.root.root.name + " is there already");
    }
  }
  return moves;
}

MovedRoot counted_move(sqlite::Database& db, const Move& move) {
  MovedRoot moved;
  moved.name = move.root.root.name;
  moved.from = move.root.root.folder;
  moved.to = move.to;
  {
    auto row = db.query("SELECT count(*) FROM image WHERE root_id = ?");
    moved.photos = number(row.with(move.root.id));
  }
  if (!move.there) return moved;
  moved.joined_with = move.there->root.name;
  auto row = db.query(
      "SELECT count(*) FROM image AS old JOIN image AS new ON new.root_id = ?2 "
      "AND new.path = old.path AND new.run_id = old.run_id WHERE old.root_id = ?1");
  moved.twice = number(row.with(move.root.id, move.there->id));
  return moved;
}

/// Ids of results and of edits are reused, too, and those up to these ones count as indexed.
void forget_unknown_progress(sqlite::Database& db) {
  db.execute(
      "UPDATE photo_search_progress SET "
      "result_id = min(result_id, (SELECT coalesce(max(result_id), 0) FROM result)), "
      "edit_id = min(edit_id, (SELECT coalesce(max(edit_id), 0) FROM caption_edit))");
}

/// Those in temp.gone, and everything that refers to them; not the edits, which are of a photo and
/// not of its rows.
void delete_images(sqlite::Database& db) {
  db.execute("DELETE FROM photo_search WHERE rowid IN (SELECT image_id FROM temp.gone)");
  const char* const of_results =
      " WHERE result_id IN (SELECT result_id FROM result WHERE image_id IN "
      "(SELECT image_id FROM temp.gone))";
  for (const char* table : {"bleu", "result_concept", "result_alternative", "result_attention"}) {
    db.execute("DELETE FROM " + std::string(table) + of_results);
  }
  // Ids of photos are reused: 0 is never one, and means that the source was forgotten.
  db.execute(
      "UPDATE result SET copied_from = 0 WHERE copied_from IN (SELECT image_id FROM temp.gone) "
      "AND image_id NOT IN (SELECT image_id FROM temp.gone)");
  // What of their archives is known goes, too: else the next scan would not find them again.
  db.execute(
      "DELETE FROM walked_archive WHERE (run_id, root_id) IN (SELECT run_id, root_id FROM image "
      "JOIN temp.gone USING (image_id) WHERE archive_bytes IS NOT NULL)");
  for (const char* table :
       {"result", "reference_caption", "kept_value", "photo_search_stale", "image"}) {
    db.execute("DELETE FROM " + std::string(table) +
               " WHERE image_id IN (SELECT image_id FROM temp.gone)");
  }
  forget_unknown_progress(db);
}

/// New keys in Redis: the old ones name photos by ids that others may get soon.
void renew_runs(StoreDatabase& store, const std::vector<RunId>& runs) {
  for (const RunId run : runs) {
    store.db
        .query(
            "INSERT INTO past_incarnation (incarnation, run_id, ended_unix_ms) "
            "SELECT incarnation, run_id, ? FROM run WHERE run_id = ? AND incarnation IS NOT NULL "
            "ON CONFLICT DO NOTHING")
        .with(now_unix_ms(), run)
        .run();
    store.db.query("UPDATE run SET incarnation = NULL WHERE run_id = ?").with(run).run();
    store.recount(run);
  }
}

std::vector<RunId> runs_with(sqlite::Database& db, std::int64_t root_id) {
  std::vector<RunId> runs;
  auto row = db.query("SELECT run_id FROM run_root WHERE root_id = ?");
  row.with(root_id);
  while (row.step()) runs.push_back(row.integer(0));
  return runs;
}

void make_gone(sqlite::Database& db) {
  db.execute("CREATE TEMP TABLE IF NOT EXISTS gone (image_id INTEGER PRIMARY KEY)");
  db.execute("DELETE FROM temp.gone");
}

/// Moves the photos of the new folder's root into the old root.
void join(sqlite::Database& db, std::int64_t old_root, std::int64_t new_root) {
  make_gone(db);
  db.execute(
      "CREATE TEMP TABLE IF NOT EXISTS pair (old_id INTEGER PRIMARY KEY, new_id INTEGER, "
      "old_stays INTEGER)");
  db.execute("DELETE FROM temp.pair");
  db.query(
        "INSERT INTO temp.pair SELECT old.image_id, new.image_id, "
        "old.size_bytes = new.size_bytes AND old.mtime_ns = new.mtime_ns "
        "AND (old.state <> 'pending' OR new.state = 'pending') "
        "FROM image AS old JOIN image AS new ON new.root_id = ?2 AND new.path = old.path "
        "AND new.run_id = old.run_id WHERE old.root_id = ?1")
      .with(old_root, new_root)
      .run();
  // Whether it is asked for, and where it is on disk, is known from the last scan of the new
  // folder.
  db.execute(
      "UPDATE image SET asked = new.asked, vanished = new.vanished, inode = new.inode "
      "FROM temp.pair JOIN image AS new ON new.image_id = pair.new_id "
      "WHERE image.image_id = pair.old_id AND pair.old_stays");
  db.execute(
      "UPDATE result SET copied_from = pair.old_id FROM temp.pair "
      "WHERE result.copied_from = pair.new_id AND pair.old_stays AND result.image_id <> "
      "pair.old_id");
  db.execute(
      "UPDATE result SET copied_from = pair.new_id FROM temp.pair "
      "WHERE result.copied_from = pair.old_id AND NOT pair.old_stays "
      "AND result.image_id <> pair.new_id");
  db.execute(
      "UPDATE result SET copied_from = NULL, hash_distance = NULL FROM temp.pair "
      "WHERE result.image_id = pair.new_id AND result.copied_from = pair.old_id "
      "AND NOT pair.old_stays");
  db.execute(
      "INSERT OR IGNORE INTO reference_caption SELECT new_id, ordinal, caption FROM temp.pair "
      "JOIN reference_caption ON reference_caption.image_id = pair.old_id WHERE NOT old_stays "
      "AND NOT EXISTS (SELECT 1 FROM reference_caption AS own WHERE own.image_id = pair.new_id)");
  // What was kept of the row that goes, where the other has nothing of that column.
  db.execute(
      "INSERT OR IGNORE INTO kept_value SELECT iif(old_stays, old_id, new_id), column_id, value "
      "FROM temp.pair JOIN kept_value ON kept_value.image_id = iif(old_stays, new_id, old_id)");
  db.execute("INSERT INTO temp.gone SELECT iif(old_stays, new_id, old_id) FROM temp.pair");
  delete_images(db);
  db.query("UPDATE caption_edit SET root_id = ?1 WHERE root_id = ?2")
      .with(old_root, new_root)
      .run();
  db.query("UPDATE image SET root_id = ?1 WHERE root_id = ?2").with(old_root, new_root).run();
  db.query(
        "INSERT OR IGNORE INTO photo_search_stale SELECT image_id FROM image "
        "WHERE root_id = ?1 AND (EXISTS (SELECT 1 FROM caption_edit AS made "
        "WHERE made.root_id = ?1 AND made.path = image.path) "
        "OR image_id IN (SELECT iif(old_stays, old_id, new_id) FROM temp.pair))")
      .with(old_root)
      .run();
  db.query("INSERT OR IGNORE INTO run_root SELECT run_id, ?1 FROM run_root WHERE root_id = ?2")
      .with(old_root, new_root)
      .run();
  db.query("DELETE FROM walked_archive WHERE root_id IN (?, ?)").with(old_root, new_root).run();
  db.query("DELETE FROM run_root WHERE root_id = ?").with(new_root).run();
  db.query("DELETE FROM root WHERE root_id = ?").with(new_root).run();
}

void move_one(StoreDatabase& store, const Move& move) {
  sqlite::Database& db = store.db;
  if (move.there) join(db, move.root.id, move.there->id);
  db.query("UPDATE root SET folder = ?, folder_text = ? WHERE root_id = ?")
      .with(sqlite::Blob{move.to}, text_if_needed(move.to), move.root.id)
      .run();
  if (!move.there) return;
  // Some pending rows of the merged root are before the cursor and were never in Redis.
  const std::vector<RunId> runs = runs_with(db, move.root.id);
  renew_runs(store, runs);
}

/// Fills temp.gone_photo: photos that no run has without those in temp.gone, and somebody edited.
std::int64_t select_edited(sqlite::Database& db, const Forgotten& which) {
  db.execute("CREATE TEMP TABLE IF NOT EXISTS gone_photo (root_id INTEGER, path BLOB)");
  db.execute("DELETE FROM temp.gone_photo");
  if (!which.run.empty()) return 0;  // what the run made goes, not what people made
  db.execute(
      "INSERT INTO temp.gone_photo SELECT DISTINCT root_id, path FROM caption_edit "
      "JOIN image USING (root_id, path) WHERE image_id IN (SELECT image_id FROM temp.gone) "
      "AND NOT EXISTS (SELECT 1 FROM image AS other WHERE other.root_id = caption_edit.root_id "
      "AND other.path = caption_edit.path "
      "AND other.image_id NOT IN (SELECT image_id FROM temp.gone))");
  auto row = db.query("SELECT count(*) FROM temp.gone_photo");
  return number(row);
}

/// Fills temp.gone. A reader, too, may write to the temporary database.
Expected<ForgetCounts> select_forgotten(sqlite::Database& db, const Forgotten& which) {
  std::optional<std::int64_t> root_id;
  if (!which.root.empty()) {
    const Expected<RootRow> root = root_called(db, which.root);
    if (!root) return fail(root.error());
    root_id = root->id;
  }
  if (!which.run.empty()) {
    auto row = db.query("SELECT 1 FROM run WHERE name = ?");
    if (!row.with(which.run).step()) return fail(Errc::usage, "no run \"" + which.run + "\"");
  }
  make_gone(db);
  db.query(
        "INSERT INTO temp.gone SELECT image_id FROM image JOIN run USING (run_id) "
        "WHERE (?1 IS NULL OR root_id = ?1) AND (?2 = '' OR run.name = ?2) "
        "AND (?3 = 0 OR vanished = 1)")
      .with(root_id, which.run, which.vanished ? 1 : 0)
      .run();
  ForgetCounts found;
  const auto count = [&](const char* sql) {
    auto row = db.query(sql);
    return number(row);
  };
  found.photos = count("SELECT count(*) FROM temp.gone");
  found.captions =
      count("SELECT count(*) FROM image JOIN temp.gone USING (image_id) WHERE state = 'done'");
  found.edited = select_edited(db, which);
  found.references = count(
      "SELECT count(DISTINCT image_id) FROM reference_caption JOIN temp.gone USING (image_id)");
  auto row = db.query(
      "SELECT name FROM run WHERE run_id IN (SELECT run_id FROM image JOIN temp.gone "
      "USING (image_id)) ORDER BY run_id");
  while (row.step()) found.runs.push_back(row.text(0));
  return found;
}

}  // namespace

Expected<std::vector<MovedRoot>> plan_move(const std::string& database, const std::string& from,
                                           const std::string& to) {
  auto db = open_reading(database);
  if (!db) return fail(db.error());
  return db->read("read the roots", [&]() -> Expected<std::vector<MovedRoot>> {
    const auto moves = moves_of(*db, from, to);
    if (!moves) return fail(moves.error());
    std::vector<MovedRoot> planned;
    for (const Move& move : *moves) planned.push_back(counted_move(*db, move));
    return planned;
  });
}

Expected<std::vector<MovedRoot>> move_roots(const std::string& database, const std::string& from,
                                            const std::string& to) {
  auto opened = StoreDatabase::open_locked(database);
  if (!opened) return fail(opened.error());
  StoreDatabase& store = **opened;
  return store.db.write("move the roots", [&]() -> Expected<std::vector<MovedRoot>> {
    const auto moves = moves_of(store.db, from, to);
    if (!moves) return fail(moves.error());
    std::vector<MovedRoot> moved;
    for (const Move& move : *moves) {
      moved.push_back(counted_move(store.db, move));
      move_one(store, move);
    }
    return moved;
  });
}

Expected<ForgetCounts> count_forgotten(const std::string& database, const Forgotten& which) {
  auto db = open_reading(database);
  if (!db) return fail(db.error());
  return db->read("count photos", [&] { return select_forgotten(*db, which); });
}

Expected<ForgetCounts> forget_photos(const std::string& database, const Forgotten& which) {
  auto opened = StoreDatabase::open_locked(database);
  if (!opened) return fail(opened.error());
  StoreDatabase& store = **opened;
  sqlite::Database& db = store.db;
  return db.write("forget photos", [&]() -> Expected<ForgetCounts> {
    const Expected<ForgetCounts> found = select_forgotten(db, which);
    if (!found) return found;
    std::vector<RunId> runs;
    {
      auto row = db.query(
          "SELECT DISTINCT run_id FROM image JOIN temp.gone USING (image_id) ORDER BY run_id");
      while (row.step()) runs.push_back(row.integer(0));
    }
    delete_images(db);
    db.execute(
        "DELETE FROM caption_edit WHERE (root_id, path) IN (SELECT root_id, path "
        "FROM temp.gone_photo)");
    forget_unknown_progress(db);
    renew_runs(store, runs);
    const std::string empty_root = " WHERE NOT EXISTS (SELECT 1 FROM image WHERE image.root_id = ";
    db.execute("DELETE FROM run_root" + empty_root +
               "run_root.root_id AND image.run_id = run_root.run_id)");
    db.execute("DELETE FROM root" + empty_root +
               "root.root_id) AND root_id NOT IN (SELECT root_id FROM run_root) "
               "AND root_id NOT IN (SELECT root_id FROM caption_edit)");
    return found;
  });
}

Expected<std::vector<FoundElsewhere>> found_elsewhere(const std::string& database, RunId run) {
  auto db = open_reading(database);
  if (!db) return fail(db.error());
  return db->read("look for moved photos", [&] {
    std::vector<FoundElsewhere> found;
    auto row = db->query(
        "SELECT gone.name, gone.folder, here.name, here.folder, count(*), "
        "sum(source.path = image.path) FROM result INDEXED BY result_copied "
        "JOIN image ON image.image_id = result.image_id AND image.attempt = result.attempt "
        "JOIN image AS source ON source.image_id = result.copied_from "
        "JOIN root AS gone ON gone.root_id = source.root_id "
        "JOIN root AS here ON here.root_id = image.root_id "
        "WHERE image.run_id = ? AND image.asked = 1 AND result.copied_from IS NOT NULL "
        "AND hash_distance IS NULL AND source.root_id <> image.root_id "
        "GROUP BY gone.root_id, here.root_id ORDER BY 5 DESC");
    row.with(run);
    while (row.step()) {
      found.push_back(
          {{row.text(0), row.text(1)}, {row.text(2), row.text(3)}, row.integer(4), row.integer(5)});
    }
    return found;
  });
}

}  // namespace photoscribe
