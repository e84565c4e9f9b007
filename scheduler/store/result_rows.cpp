// Rows for export, and search over captions.
#include <limits>

#include "common/remote/photo_url.h"
#include "common/sqlite/sqlite_errors.h"
#include "common/text/escape.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

constexpr const char* kJoinSource =
    "LEFT JOIN image AS source ON source.image_id = result.copied_from "
    "LEFT JOIN root AS source_root ON source_root.root_id = source.root_id ";

std::string select_rows(const std::string& from_and_rest) {
  return std::string(
             "SELECT image.image_id, image.attempt, run.name, root.name, root.folder, image.path, "
             "image.verdict, image.reason, result.detail, result.blur_score, used.blur_threshold, "
             "result.caption, result.log_prob, bleu.bleu1, bleu.bleu2, bleu.bleu3, bleu.bleu4, "
             "result.width_px, result.height_px, used.model_hash, worker.name, "
             "result.finished_unix_ms, image.vanished, image.asked, result.tokens, result.read_us, "
             "result.decode_us, result.caption_us, result.confidence, result.blur_full, "
             "result.blur_normalised, result.blur_tile_max, result.blur_edges, "
             "result.blur_learned, "
             "lower(hex(result.content_hash)), source_root.folder, source.path, "
             "result.hash_distance, result.result_id, result.word_log_prob_min, "
             "result.beam_agreement, result.mentioned_min, result.unmentioned_max, "
             "result.novelty, result.preview ") +
         from_and_rest;
}

std::string select_images(const char* rest) {
  return select_rows(
             "FROM image JOIN run ON run.run_id = image.run_id "
             "JOIN root ON root.root_id = image.root_id "
             "JOIN run_settings AS used ON used.settings_id = image.settings_id "
             "LEFT JOIN result ON result.image_id = image.image_id "
             "AND result.attempt = image.attempt "
             "LEFT JOIN bleu ON bleu.result_id = result.result_id "
             "LEFT JOIN worker ON worker.worker_id = result.worker_id ") +
         kJoinSource + rest;
}

// Static strings: statements are cached by the address of their text.
const std::string kPage = select_images(
    "WHERE image.image_id > ? AND image.run_id = ? ORDER BY image.image_id LIMIT 1000");
const std::string kFailed = select_images(
    "WHERE image.run_id = ?1 AND image.state = 'failed' "
    "AND (?2 = ',' OR instr(?2, ',' || image.reason || ',') > 0) ORDER BY image.image_id LIMIT ?3");
const std::string kOne = select_images("WHERE image.image_id = ?");

const std::string kSearch = select_rows(
    "FROM caption_search JOIN result ON result.result_id = caption_search.rowid "
    "JOIN image ON image.image_id = result.image_id AND image.attempt = result.attempt "
    "JOIN run ON run.run_id = image.run_id JOIN root ON root.root_id = image.root_id "
    "JOIN run_settings AS used ON used.settings_id = image.settings_id "
    "JOIN worker ON worker.worker_id = result.worker_id "
    "LEFT JOIN bleu ON bleu.result_id = result.result_id " +
    std::string(kJoinSource) +
    "WHERE caption_search MATCH ? AND image.verdict = 'done' ORDER BY caption_search.rank LIMIT ?");

std::optional<int> pixels(const sqlite::Query& row, int column) {
  const auto value = row.optional_integer(column);
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

ResultRow read_row(StoreDatabase& store, const sqlite::Query& row) {
  ResultRow result;
  result.image_id = row.integer(0);
  result.attempt = static_cast<std::int32_t>(row.integer(1));
  result.run = row.text(2);
  result.root = row.text(3);
  result.path = row.text(5);
  result.uri = uri_of(row.text(4), result.path);
  result.state = row.text(6);
  result.reason = row.optional_text(7);
  result.detail = row.optional_text(8);
  result.blur_score = row.optional_real(9);
  result.blur_threshold = row.real(10);
  result.caption = row.optional_text(11);
  result.log_prob = row.optional_real(12);
  for (int n = 0; n < 4; ++n) {
    result.bleu[static_cast<std::size_t>(n)] = row.optional_real(13 + n);
  }
  result.width_px = pixels(row, 17);
  result.height_px = pixels(row, 18);
  result.model = row.text(19);
  result.worker = row.optional_text(20);
  result.finished_unix_ms = row.optional_integer(21);
  result.vanished = row.integer(22) != 0;
  result.asked = row.integer(23) != 0;
  result.tokens = row.optional_integer(24);
  result.read_us = row.optional_integer(25);
  result.decode_us = row.optional_integer(26);
  result.caption_us = row.optional_integer(27);
  result.confidence = row.optional_real(28);
  if (!row.is_null(29)) {
    // Mode learned has none in results of versions before it.
    constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();
    result.blur_scores = BlurScores{{row.real(29), row.real(30), row.real(31), row.real(32),
                                     row.optional_real(33).value_or(kNotMeasured)}};
  }
  if (const std::string hash = row.text(34); !hash.empty()) result.sha256 = hash;
  if (!row.is_null(36)) result.copied_from = uri_of(row.text(35), row.text(36));
  result.hash_distance = row.optional_integer(37);
  result.preview = row.optional_integer(44).value_or(0) != 0;
  if (result.caption) {
    result.evidence = StoreDatabase::evidence(row, 39);
    result.concepts = store.concepts(row.integer(38));
  }
  return result;
}

}  // namespace

std::string uri_part(std::string_view path) { return percent_escaped(path, "%"); }

std::string uri_of(std::string_view folder, std::string_view path) {
  if (is_web(folder)) return std::string(folder) + "/" + std::string(path);
  std::string uri = uri_part(folder);
  while (!uri.empty() && uri.back() == '/') uri.pop_back();
  return uri + "/" + uri_part(path);
}

Status Lookup::for_each_result(RunId run, const std::function<Status(const ResultRow&)>& row) {
  std::int64_t last = 0;
  for (;;) {
    const auto page = impl_->db.read("read results", [&] {
      std::vector<ResultRow> rows;
      auto query = impl_->db.query(kPage.c_str());
      query.with(last, run);
      while (query.step()) rows.push_back(read_row(*impl_, query));
      return rows;
    });
    if (!page) return fail(page.error());
    if (page->empty()) return {};
    for (const ResultRow& one : *page) {
      if (Status taken = row(one); !taken) return taken;
    }
    last = page->back().image_id;
  }
}

Expected<std::vector<ResultRow>> Lookup::failed_images(RunId run, std::span<const Reason> reasons,
                                                       std::size_t count) {
  std::string wanted = ",";  // no reason's name has a comma
  for (const Reason reason : reasons) wanted += std::string(to_string(reason)) + ",";
  return impl_->db.read("list failed photos", [&] {
    std::vector<ResultRow> rows;
    auto query = impl_->db.query(kFailed.c_str());
    query.with(run, wanted, count);
    while (query.step()) rows.push_back(read_row(*impl_, query));
    return rows;
  });
}

Expected<std::optional<ResultRow>> Lookup::image(std::int64_t image_id) {
  return impl_->db.read("read photo", [&] {
    auto query = impl_->db.query(kOne.c_str());
    if (!query.with(image_id).step()) return std::optional<ResultRow>();
    return std::optional(read_row(*impl_, query));
  });
}

Expected<std::vector<AttemptRow>> Lookup::attempts(std::int64_t image_id) {
  return impl_->db.read("read attempts", [&] {
    std::vector<AttemptRow> all;
    auto row = impl_->db.query(
        "SELECT attempt, outcome, reason, detail, worker.name, finished_unix_ms FROM result "
        "JOIN worker USING (worker_id) WHERE image_id = ? ORDER BY attempt");
    row.with(image_id);
    while (row.step()) {
      AttemptRow one;
      one.attempt = static_cast<std::int32_t>(row.integer(0));
      one.outcome = row.text(1);
      one.reason = row.optional_text(2);
      one.detail = row.optional_text(3);
      one.worker = row.text(4);
      one.finished_unix_ms = row.integer(5);
      all.push_back(std::move(one));
    }
    return all;
  });
}

Expected<std::int64_t> Recording::index_captions(std::size_t count) {
  sqlite::Database& db = impl_->db;
  return db.write("index captions", [&] {
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::int64_t looked_at = 0;
    {
      auto row = db.query("SELECT result_id FROM caption_search_progress");
      row.step();
      first = row.integer(0);
    }
    {
      auto row = db.query(
          "SELECT max(result_id), count(*) FROM (SELECT result_id FROM result "
          "WHERE result_id > ? ORDER BY result_id LIMIT ?)");
      row.with(first, count).step();
      if (row.is_null(0)) return std::int64_t{0};
      last = row.integer(0);
      looked_at = row.integer(1);
    }
    db.query(
          "INSERT INTO caption_search (rowid, caption) SELECT result_id, caption FROM result "
          "WHERE result_id > ? AND result_id <= ? AND caption IS NOT NULL")
        .with(first, last)
        .run();
    db.query("UPDATE caption_search_progress SET result_id = ?").with(last).run();
    return looked_at;
  });
}

Expected<std::vector<ResultRow>> Lookup::search(const std::string& query, std::size_t count) {
  sqlite::Database& db = impl_->db;
  return db.read("search", [&]() -> Expected<std::vector<ResultRow>> {
    std::vector<ResultRow> rows;
    try {
      auto row = db.query(kSearch.c_str());
      row.with(query, count);
      while (row.step()) rows.push_back(read_row(*impl_, row));
    } catch (const SQLite::Exception& thrown) {
      if (!sqlite::is_sql_error(thrown)) throw;  // FTS5 could not parse it
      return fail(Errc::usage, "search \"" + query + "\": " + thrown.what() +
                                   "; put words with punctuation in double quotes");
    }
    return rows;
  });
}

}  // namespace photoscribe
