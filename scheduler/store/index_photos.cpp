// What search finds: a row of photo_search for each photo of a run that has a result or an edit.
//
// Nothing that records waits for it. It follows three things that only grow: the numbers of results
// and of edits, and the list of photos whose kept values changed; a photo is indexed as it is then.
#include <algorithm>
#include <set>

#include "common/sqlite/storage.h"
#include "scheduler/store/search_fields.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

/// Seen for sure enough to be found by.
constexpr double kConceptProbability = 0.5;

/// What to index, and how far that brings the index.
struct Changed {
  std::set<std::int64_t> images;
  std::int64_t result_id = 0, edit_id = 0;
  std::size_t looked_at = 0;
};

void add_results(sqlite::Database& db, Changed& changed, std::size_t count) {
  auto row = db.query(
      "SELECT result_id, image_id FROM result WHERE result_id > ? ORDER BY result_id LIMIT ?");
  row.with(changed.result_id, count);
  while (row.step()) {
    changed.result_id = row.integer(0);
    changed.images.insert(row.integer(1));
    ++changed.looked_at;
  }
}

void add_edits(sqlite::Database& db, Changed& changed, std::size_t count) {
  std::vector<std::pair<std::int64_t, std::string>> edited;
  {
    auto row = db.query(
        "SELECT edit_id, root_id, path FROM caption_edit WHERE edit_id > ? ORDER BY edit_id "
        "LIMIT ?");
    row.with(changed.edit_id, count);
    while (row.step()) {
      changed.edit_id = row.integer(0);
      edited.emplace_back(row.integer(1), row.text(2));
    }
  }
  changed.looked_at += edited.size();
  for (const auto& [root_id, path] : edited) {
    auto row = db.query("SELECT image_id FROM image WHERE root_id = ? AND path = ?");
    row.with(root_id, sqlite::Blob{path});
    while (row.step()) changed.images.insert(row.integer(0));
  }
}

void add_stale(sqlite::Database& db, Changed& changed, std::size_t count) {
  std::vector<std::int64_t> stale;
  {
    auto row = db.query("SELECT image_id FROM photo_search_stale LIMIT ?");
    row.with(count);
    while (row.step()) stale.push_back(row.integer(0));
  }
  changed.looked_at += stale.size();
  for (const std::int64_t image : stale) {
    db.query("DELETE FROM photo_search_stale WHERE image_id = ?").with(image).run();
    changed.images.insert(image);
  }
}

Changed changed_photos(sqlite::Database& db, std::size_t count) {
  Changed changed;
  {
    auto row = db.query("SELECT result_id, edit_id FROM photo_search_progress");
    row.step();
    changed.result_id = row.integer(0);
    changed.edit_id = row.integer(1);
  }
  for (const auto add : {add_edits, add_stale, add_results}) {
    if (changed.looked_at < count) add(db, changed, count - changed.looked_at);
  }
  return changed;
}

void add_kept(sqlite::Database& db, std::int64_t image, std::string& kept, std::string& fields) {
  auto row = db.query("SELECT column_id, value FROM kept_value WHERE image_id = ?");
  row.with(image);
  while (row.step()) {
    const std::string value = row.text(1);
    kept += (kept.empty() ? "" : "\n") + value;
    fields += marked_words(column_mark(row.integer(0)), value) + "\n";
  }
}

void add_seen(sqlite::Database& db, std::int64_t result, std::string& fields) {
  auto row = db.query(
      "SELECT word FROM result_concept JOIN concept_word USING (word_id) "
      "WHERE result_id = ? AND probability >= ?");
  row.with(result, kConceptProbability);
  while (row.step()) fields += marked_words(kConceptMark, row.text(0)) + "\n";
}

void index_one(sqlite::Database& db, std::int64_t image) {
  db.query("DELETE FROM photo_search WHERE rowid = ?").with(image).run();
  std::string path, kept, fields = std::string(kEveryPhoto) + "\n";
  std::optional<std::string> caption, edited;
  {
    auto row = db.query(
        "SELECT coalesce(image.path_text, CAST(image.path AS TEXT)), result.result_id, "
        "result.caption, edit.caption FROM image "
        "LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt "
        "LEFT JOIN caption_edit AS edit ON edit.edit_id = (SELECT max(edit_id) "
        "FROM caption_edit AS made WHERE made.root_id = image.root_id AND made.path = image.path) "
        "WHERE image.image_id = ?");
    if (!row.with(image).step()) return;  // forgotten
    path = row.text(0);
    caption = row.optional_text(2);
    edited = row.optional_text(3);
    if (!row.is_null(1)) add_seen(db, row.integer(1), fields);
  }
  add_kept(db, image, kept, fields);
  db.query(
        "INSERT INTO photo_search (rowid, edited, caption, original, kept, path, fields) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)")
      .with(image, edited, edited ? std::nullopt : caption, edited ? caption : std::nullopt, kept,
            path, fields)
      .run();
}

}  // namespace

std::int64_t StoreDatabase::index_photos(std::size_t count) {
  const Changed changed = changed_photos(db, count);
  if (changed.looked_at == 0) return 0;
  for (const std::int64_t image : changed.images) index_one(db, image);
  db.query("UPDATE photo_search_progress SET result_id = ?, edit_id = ?")
      .with(changed.result_id, changed.edit_id)
      .run();
  return static_cast<std::int64_t>(changed.looked_at);
}

Expected<std::int64_t> Recording::index_captions(std::size_t count) {
  return impl_->db.write("index captions", [&] { return impl_->index_photos(count); });
}

}  // namespace photoscribe
