#include "scheduler/store/store.h"

#include "common/sqlite/storage.h"
#include "migrations/migrations.h"
#include "scheduler/store/settings.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {

std::int64_t StateCounts::failed() const {
  std::int64_t sum = 0;
  for (const std::int64_t images : failed_by_reason) sum += images;
  return sum;
}

std::string_view name_of(ImageState state) noexcept {
  switch (state) {
    case ImageState::pending:
      return "pending";
    case ImageState::done:
      return "done";
    case ImageState::unsure:
      return "unsure";
    case ImageState::blurred:
      return "blurred";
    case ImageState::failed:
      break;
  }
  return "failed";
}

ImageState state_from(std::string_view name) noexcept {
  if (name == "done") return ImageState::done;
  if (name == "unsure") return ImageState::unsure;
  if (name == "blurred") return ImageState::blurred;
  if (name == "failed") return ImageState::failed;
  return ImageState::pending;
}

namespace {

void note_vanishing(sqlite::Database& db, RunId run) {
  db.query("UPDATE run SET vanish_changes = vanish_changes + 1 WHERE run_id = ?").with(run).run();
}

}  // namespace

void CountChanges::flush(sqlite::Database& db) {
  for (const auto& [key, images] : changes_) {
    if (images == 0) continue;
    const auto& [asked, state, reason] = key;
    db.query(
          "INSERT INTO run_count (run_id, asked, state, reason, images) VALUES (?, ?, ?, ?, ?) "
          "ON CONFLICT (run_id, asked, state, reason) DO UPDATE SET images = images + "
          "excluded.images")
        .with(run_, asked, state, reason, images)
        .run();
  }
  changes_.clear();
  if (!std::exchange(vanishing_, false)) return;
  note_vanishing(db, run_);
}

Store::Store(std::unique_ptr<StoreDatabase> database)
    : Manifest(*database),
      Recording(*database),
      Lookup(*database),
      database_(std::move(database)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Expected<std::unique_ptr<StoreDatabase>> StoreDatabase::open_locked(const std::string& path,
                                                                    const BeforeMigration& before) {
  if (Status safe = sqlite::check_storage(path); !safe) return fail(safe.error());
  auto lock = sqlite::LockFile::take(path);
  if (!lock) return fail(lock.error());
  auto db = sqlite::Database::open(path, sqlite::Mode::read_write);
  if (!db) return fail(db.error());
  const auto migrated = migrations::migrate(*db, migrations::embedded(), before);
  if (!migrated) return fail(migrated.error());
  return std::make_unique<StoreDatabase>(std::move(*lock), std::move(*db));
}

Expected<Store> Store::open_writer(const std::string& path, const BeforeMigration& before) {
  auto opened = StoreDatabase::open_locked(path, before);
  if (!opened) return fail(opened.error());
  return Store(std::move(*opened));
}

Expected<Store> Store::open_reader(const std::string& path) {
  auto db = sqlite::Database::open(path, sqlite::Mode::read_only);
  if (!db) return fail(db.error());
  if (Status known = migrations::check(*db); !known) return fail(known.error());
  return Store(std::make_unique<StoreDatabase>(std::nullopt, std::move(*db)));
}

Expected<std::int64_t> Store::empty_log() { return database_->db.empty_log(); }

Status copy_database(const std::string& database, const std::string& copy) {
  auto db = sqlite::Database::open(database, sqlite::Mode::read_only);
  if (!db) return fail(db.error());
  return sqlite::backup(*db, copy);
}

std::int64_t StoreDatabase::worker_id(const std::string& name) {
  const std::string text = sqlite::text_of(name);
  auto row = db.query("SELECT worker_id FROM worker WHERE name = ?");
  if (row.with(text).step()) return row.integer(0);
  db.query("INSERT INTO worker (name) VALUES (?)").with(text).run();
  return db.handle().getLastInsertRowid();
}

void StoreDatabase::recount(RunId run) {
  db.query("DELETE FROM run_count WHERE run_id = ?").with(run).run();
  db.query(
        "INSERT INTO run_count (run_id, asked, state, reason, images) "
        "SELECT run_id, asked, verdict, coalesce(reason, ''), count(*) FROM image "
        "WHERE run_id = ? GROUP BY asked, verdict, reason")
      .with(run)
      .run();
  db.query(
        "INSERT INTO run_count (run_id, asked, state, images) "
        "SELECT ?1, 0, 'vanished', count(*) FROM image WHERE run_id = ?1 AND vanished = 1")
      .with(run)
      .run();
  note_vanishing(db, run);
}

std::int64_t StoreDatabase::extend_queue(RunId run, std::int64_t count) {
  auto row =
      db.query("UPDATE run SET queue_end = queue_end + ? WHERE run_id = ? RETURNING queue_end");
  row.with(count, run).step();
  const std::int64_t end = row.integer(0);
  while (row.step()) {
  }
  return end - count + 1;
}

}  // namespace photoscribe
