#include "scheduler/store/search.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <thread>
#include <vector>

#include "common/sqlite/storage.h"
#include "common/text/did_you_mean.h"
#include "migrations/migrations.h"
#include "scheduler/store/found_images.h"
#include "scheduler/store/search_query.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

constexpr std::size_t kIndexAtOnce = 1'000;  // photos: some 20 ms
constexpr std::size_t kSorts = 6;

/// ?1 is for MATCH. ?2 states or ",", ?3 original, ?4 vanished, ?5 run, ?6 each photo once, ?7
/// root, ?8 and ?9 times in ns, ?10 confidence, ?11 limit, ?12 offset; 0 and NULL: any.
constexpr const char* kFilters =
    "(instr(?2, ',' || image.verdict || ',') > 0 OR (?2 = ',' AND (image.verdict = 'done' "
    "OR (?3 = 0 AND (SELECT caption FROM caption_edit AS made WHERE made.root_id = image.root_id "
    "AND made.path = image.path ORDER BY edit_id DESC LIMIT 1) IS NOT NULL)))) "
    "AND (?4 OR image.vanished = 0) AND (?5 = 0 OR image.run_id = ?5) "
    "AND (?6 = 0 OR image.image_id = (SELECT other.image_id FROM image AS other "
    "LEFT JOIN result AS last ON last.image_id = other.image_id AND last.attempt = other.attempt "
    "WHERE other.root_id = image.root_id AND other.path = image.path "
    "ORDER BY last.finished_unix_ms DESC NULLS LAST, other.run_id DESC LIMIT 1)) "
    "AND (?7 = 0 OR image.root_id = ?7) AND image.mtime_ns >= ?8 AND image.mtime_ns < ?9 "
    "AND (?10 IS NULL OR (SELECT confidence FROM result WHERE result.image_id = image.image_id "
    "AND result.attempt = image.attempt) >= ?10 OR (?3 = 0 AND (SELECT caption "
    "FROM caption_edit AS made WHERE made.root_id = image.root_id AND made.path = image.path "
    "ORDER BY edit_id DESC LIMIT 1) IS NOT NULL)) ";

std::array<std::string, kSorts> statements(bool by_words) {
  // The weights of the columns: edited, caption, original, kept, path, fields. BM25 flattens high
  // ones: with 6, one word in an edit outweighs it three times in a model's caption.
  const std::array<const char*, kSorts> orders{
      by_words ? "bm25(photo_search, 6.0, 1.0, 1.0, 0.6, 0.3, 0.6), image.image_id DESC"
               : "image.image_id DESC",
      by_words ? "photo_search.rowid DESC" : "image.image_id DESC",
      "image.mtime_ns DESC, image.image_id DESC",
      "image.mtime_ns, image.image_id",
      "image.root_id, image.path",
      "(SELECT confidence FROM result WHERE result.image_id = image.image_id "
      "AND result.attempt = image.attempt) DESC NULLS LAST, image.image_id DESC"};
  std::array<std::string, kSorts> all;
  for (std::size_t i = 0; i < kSorts; ++i) {
    all[i] = std::string("SELECT image.image_id FROM ") +
             (by_words ? "photo_search CROSS JOIN image ON image.image_id = photo_search.rowid "
                         "WHERE photo_search MATCH ?1 AND "
                       : "image WHERE ?1 = '' AND ") +
             kFilters + "ORDER BY " + orders[i] + " LIMIT ?11 OFFSET ?12";
  }
  return all;
}

// Static: statements are cached by the address of their text.
const std::array<std::string, kSorts> kByWords = statements(true), kOfAll = statements(false);

KeptColumnIds kept_columns(sqlite::Database& db) {
  KeptColumnIds columns;
  auto row = db.query("SELECT name, column_id FROM kept_column");
  while (row.step()) columns.emplace(row.text(0), row.integer(1));
  return columns;
}

/// The id of what is called so; 0 for no name.
Expected<std::int64_t> id_called(sqlite::Database& db, const char* sql, const char* what,
                                 const std::string& name) {
  if (name.empty()) return 0;
  std::vector<std::string> names;
  auto row = db.query(sql);
  while (row.step()) {
    if (row.text(1) == name) return row.integer(0);
    names.push_back(row.text(1));
  }
  return fail(Errc::usage, std::string("no ") + what + " is called \"" + sqlite::text_of(name) +
                               "\"" + did_you_mean(name, names));
}

/// Photos that match, whatever else is asked of them; kRankedMax + 1: more.
std::int64_t count_matches(sqlite::Database& db, const std::string& expression) {
  auto row = db.query(
      "SELECT count(*) FROM (SELECT 1 FROM photo_search WHERE photo_search MATCH ?1 LIMIT ?2)");
  row.with(expression, kRankedMax + 1).step();
  return row.integer(0);
}

bool has_several_runs(sqlite::Database& db) {
  auto row = db.query("SELECT count(*) FROM run");
  row.step();
  return row.integer(0) > 1;
}

std::int64_t nanoseconds(const std::optional<std::int64_t>& unix_ms, std::int64_t otherwise) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1'000'000;
  if (!unix_ms) return otherwise;
  return std::clamp(*unix_ms, -kMost, kMost) * 1'000'000;
}

}  // namespace

Expected<FoundImages> find_images(sqlite::Database& db, const SearchRequest& request) {
  using Limits = std::numeric_limits<std::int64_t>;
  const auto expression = search_expression(request.query, kept_columns(db), request.original);
  if (!expression) return fail(expression.error());
  const auto run = id_called(db, "SELECT run_id, name FROM run", "run", request.run);
  if (!run) return fail(run.error());
  const auto root = id_called(db, "SELECT root_id, name FROM root", "root", request.root);
  if (!root) return fail(root.error());
  FoundImages found;
  SearchSort sort = request.sort;
  const bool has_best = !expression->empty() && !only_excludes(*expression);
  if (sort == SearchSort::best && has_best) {
    const std::int64_t matches = count_matches(db, *expression);
    if (matches == 0) return found;
    found.outcome.many = matches > kRankedMax;
  }
  if (sort == SearchSort::best && (!has_best || found.outcome.many)) sort = SearchSort::added;
  found.outcome.best_first = sort == SearchSort::best;
  std::string states = ",";
  for (const std::string& state : request.states) states += state + ",";
  const auto& sql = expression->empty() ? kOfAll : kByWords;
  auto row = db.query(sql[static_cast<std::size_t>(sort)].c_str());
  row.with(*expression, states, request.original ? 1 : 0, request.vanished ? 1 : 0, *run,
           request.run.empty() && has_several_runs(db) ? 1 : 0, *root,
           nanoseconds(request.since_unix_ms, Limits::min()),
           nanoseconds(request.until_unix_ms, Limits::max()), request.confidence_min,
           request.limit == 0 ? std::int64_t{-1} : request.limit + 1, request.offset);
  while (row.step()) found.ids.push_back(row.integer(0));
  found.outcome.more =
      request.limit > 0 && found.ids.size() > static_cast<std::size_t>(request.limit);
  if (found.outcome.more) found.ids.pop_back();
  found.outcome.photos = static_cast<std::int64_t>(found.ids.size());
  return found;
}

Expected<SearchOutcome> Lookup::search(const SearchRequest& request,
                                       const std::function<Status(const ResultRow&)>& take) {
  const auto found = impl_->db.read("search", [&] { return find_images(impl_->db, request); });
  if (!found) return fail(found.error());
  for (const std::int64_t id : found->ids) {
    const Expected<std::optional<ResultRow>> row = image(id);
    if (!row) return fail(row.error());
    if (!*row) continue;  // forgotten meanwhile
    if (Status taken = take(**row); !taken) return fail(taken.error());
  }
  return found->outcome;
}

Expected<std::int64_t> Lookup::search_backlog() {
  return impl_->db.read("look at the index", [&] {
    auto row = impl_->db.query(
        "SELECT (SELECT coalesce(max(result_id), 0) FROM result) - progress.result_id "
        "+ (SELECT coalesce(max(edit_id), 0) FROM caption_edit) - progress.edit_id "
        "+ (SELECT count(*) FROM photo_search_stale) FROM photo_search_progress AS progress");
    row.step();
    return row.integer(0);
  });
}

Status catch_up_index(const std::string& database,
                      const std::function<bool(std::int64_t looked_at)>& go_on) {
  auto db = sqlite::Database::open(database, sqlite::Mode::read_write);
  if (!db) return fail(db.error());
  if (Status known = migrations::check(*db); !known) return known;
  StoreDatabase store(std::nullopt, std::move(*db));
  for (;;) {
    const auto begun = std::chrono::steady_clock::now();
    const Expected<std::int64_t> looked_at =
        store.db.write("index captions", [&] { return store.index_photos(kIndexAtOnce); });
    if (!looked_at) return fail(looked_at.error());
    if (*looked_at == 0) return {};
    if (!go_on(*looked_at)) return {};
    // Whoever records waits for a transaction, not for all of them.
    std::this_thread::sleep_for(std::chrono::steady_clock::now() - begun);
  }
}

}  // namespace photoscribe
