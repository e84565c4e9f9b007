// Rows for export, search and all who look at single photos.
#include <limits>

#include "common/remote/photo_url.h"
#include "common/text/escape.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

constexpr const char* kJoinSource =
    "LEFT JOIN image AS source ON source.image_id = result.copied_from "
    "LEFT JOIN root AS source_root ON source_root.root_id = source.root_id "
    "LEFT JOIN caption_edit AS edit ON edit.edit_id = (SELECT max(edit_id) "
    "FROM caption_edit AS made WHERE made.root_id = image.root_id AND made.path = image.path) ";

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
             "result.novelty, result.preview, edit.caption, edit.edited_by, "
             "edit.edited_unix_ms, coalesce(image.archive_bytes, 0) ") +
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

const std::string kAt = select_images(
    "WHERE image.path = ?1 AND image.run_id = ?2 AND image.root_id = (SELECT root_id FROM root "
    "WHERE name = ?3)");
const std::string kWith = select_images(
    "WHERE image.image_id = (SELECT min(image_id) FROM temp.kept_index WHERE value = ?)");

std::optional<int> pixels(const sqlite::Query& row, int column) {
  const auto value = row.optional_integer(column);
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

ResultRow read_row(const sqlite::Query& row) {
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
  result.archive_bytes = row.integer(48);
  result.preview = row.optional_integer(44).value_or(0) != 0;
  result.edited_caption = row.optional_text(45);
  if (result.edited_caption) {
    result.edited_by = row.text(46);
    result.edited_unix_ms = row.integer(47);
  }
  if (result.caption) result.evidence = StoreDatabase::evidence(row, 39);
  return result;
}

constexpr int kResultId = 38;  // column of select_rows()

/// `[7,null,9]`: what json_each() makes rows of, with places as keys.
class IdList {
 public:
  void add(std::optional<std::int64_t> id) {
    text_ += text_.empty() ? '[' : ',';
    text_ += id ? std::to_string(*id) : "null";
  }
  [[nodiscard]] std::string text() const { return text_.empty() ? "[]" : text_ + "]"; }

 private:
  std::string text_;
};

/// Rows, and what they have several of each: read for many rows in one statement, since a statement
/// costs more than a row.
class RowReader {
 public:
  explicit RowReader(StoreDatabase& store) : store_(store) {}

  void add(const sqlite::Query& row) {
    if (rows_.size() == begin_ + kAtOnce) add_lists();
    rows_.push_back(read_row(row));
    images_.add(rows_.back().image_id);
    results_.add(rows_.back().caption ? std::optional(row.integer(kResultId)) : std::nullopt);
  }
  [[nodiscard]] std::vector<ResultRow> finish() {
    add_lists();
    return std::move(rows_);
  }

 private:
  static constexpr std::size_t kAtOnce = 1000;

  void add_lists() {
    if (rows_.size() == begin_) return;
    auto kept = store_.db.query(
        "SELECT one.key, name, kept_value.value FROM json_each(?) AS one "
        "CROSS JOIN kept_value ON kept_value.image_id = one.value "
        "JOIN kept_column USING (column_id) ORDER BY one.key, column_id");
    kept.with(images_.text());
    while (kept.step()) row_of(kept).kept.emplace_back(kept.text(1), kept.text(2));
    auto concepts = store_.db.query(
        "SELECT one.key, word, probability FROM json_each(?) AS one "
        "CROSS JOIN result_concept ON result_id = one.value "
        "JOIN concept_word USING (word_id) ORDER BY one.key, probability DESC, word");
    concepts.with(results_.text());
    while (concepts.step()) {
      row_of(concepts).concepts.push_back({concepts.text(1), static_cast<float>(concepts.real(2))});
    }
    auto others = store_.db.query(
        "SELECT one.key, caption, log_prob, tokens FROM json_each(?) AS one "
        "CROSS JOIN result_alternative ON result_id = one.value ORDER BY one.key, ordinal");
    others.with(results_.text());
    while (others.step()) {
      row_of(others).alternatives.push_back(
          {others.text(1), others.real(2), static_cast<int>(others.integer(3))});
    }
    begin_ = rows_.size();
    images_ = results_ = IdList();
  }
  ResultRow& row_of(const sqlite::Query& row) {
    return rows_[begin_ + static_cast<std::size_t>(row.integer(0))];
  }

  StoreDatabase& store_;
  std::vector<ResultRow> rows_;
  std::size_t begin_ = 0;  // those before have their lists
  IdList images_, results_;
};

std::optional<ResultRow> read_one(StoreDatabase& store, sqlite::Query& query) {
  RowReader reader(store);
  if (!query.step()) return std::nullopt;
  reader.add(query);
  return std::move(reader.finish().front());
}

std::vector<ResultRow> read_all(StoreDatabase& store, sqlite::Query& query) {
  RowReader reader(store);
  while (query.step()) reader.add(query);
  return reader.finish();
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
      auto query = impl_->db.query(kPage.c_str());
      query.with(last, run);
      return read_all(*impl_, query);
    });
    if (!page) return fail(page.error());
    if (page->empty()) return {};
    for (const ResultRow& one : *page) {
      if (Status taken = row(one); !taken) return taken;
    }
    last = page->back().image_id;
  }
}

Status Lookup::for_each_photo(RunId run,
                              const std::function<void(std::int64_t, const std::string&)>& photo) {
  std::int64_t last = 0;
  for (bool more = true; more;) {
    const Status read = impl_->db.read("read photos", [&] {
      more = false;
      auto row = impl_->db.query(
          "SELECT image_id, root.folder, path FROM image JOIN root USING (root_id) "
          "WHERE image_id > ? AND run_id = ? AND vanished = 0 ORDER BY image_id LIMIT 10000");
      row.with(last, run);
      while (row.step()) {
        more = true;
        last = row.integer(0);
        photo(last, uri_of(row.text(1), row.text(2)));
      }
    });
    if (!read) return read;
  }
  return {};
}

Expected<std::vector<ResultRow>> Lookup::failed_images(RunId run, std::span<const Reason> reasons,
                                                       std::size_t count) {
  std::string wanted = ",";  // no reason's name has a comma
  for (const Reason reason : reasons) wanted += std::string(to_string(reason)) + ",";
  return impl_->db.read("list failed photos", [&] {
    auto query = impl_->db.query(kFailed.c_str());
    query.with(run, wanted, count);
    return read_all(*impl_, query);
  });
}

Expected<std::optional<ResultRow>> Lookup::image(std::int64_t image_id) {
  return impl_->db.read("read photo", [&] {
    auto query = impl_->db.query(kOne.c_str());
    query.with(image_id);
    return read_one(*impl_, query);
  });
}

Expected<std::optional<ResultRow>> Lookup::photo_at(RunId run, const std::string& root,
                                                    const std::string& path) {
  return impl_->db.read("read photo", [&] {
    auto query = impl_->db.query(kAt.c_str());
    query.with(sqlite::Blob{path}, run, root);
    return read_one(*impl_, query);
  });
}

Expected<std::int64_t> Lookup::index_kept(RunId run, const std::string& column) {
  sqlite::Database& db = impl_->db;
  return db.read("look up kept values", [&] {  // temp: a reader, too, may write there
    db.execute("CREATE TEMP TABLE IF NOT EXISTS kept_index (value TEXT, image_id INTEGER)");
    db.execute("DROP INDEX IF EXISTS temp.kept_index_value");
    db.execute("DELETE FROM temp.kept_index");
    const int rows =
        db.query(
              "INSERT INTO temp.kept_index SELECT value, image_id FROM kept_value "
              "JOIN image USING (image_id) WHERE run_id = ? AND column_id = (SELECT column_id "
              "FROM kept_column WHERE name = ?)")
            .with(run, column)
            .run();
    db.execute("CREATE INDEX temp.kept_index_value ON kept_index (value, image_id)");
    return std::int64_t{rows};
  });
}

Expected<std::optional<ResultRow>> Lookup::photo_with(const std::string& value) {
  return impl_->db.read("read photo", [&] {
    auto query = impl_->db.query(kWith.c_str());
    query.with(value);
    return read_one(*impl_, query);
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

}  // namespace photoscribe
