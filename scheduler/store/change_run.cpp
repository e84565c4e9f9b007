// Redo and rejudge: changes to many images of a run at once.
#include "scheduler/store/settings.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

/// For "IN (SELECT value FROM json_each(?))".
std::string json_array(const std::set<std::int64_t>& numbers) {
  std::string text = "[";
  for (const std::int64_t number : numbers) {
    text += (text.size() > 1 ? "," : "") + std::to_string(number);
  }
  return text + "]";
}

/// Images pending again get numbers from the end of the queue, in the order of their ids
/// (protocol.md H5).
struct QueueSpan {
  std::int64_t first = 0, lowest_id = 0;
};

QueueSpan span_for(StoreDatabase& store, RunId run, std::int64_t lowest_id,
                   std::int64_t highest_id) {
  return {store.extend_queue(run, highest_id - lowest_id + 1), lowest_id};
}

}  // namespace

Expected<std::vector<StoreDatabase::UsedSettings>> StoreDatabase::used_settings(RunId run) {
  std::vector<UsedSettings> all;
  auto row = db.query("SELECT settings_id, settings FROM run_settings WHERE run_id = ?");
  row.with(run);
  while (row.step()) {
    auto settings = parse_settings(row.text(1));
    if (!settings) return fail(settings.error());
    all.push_back({row.integer(0), std::move(*settings)});
  }
  return all;
}

Expected<Stale> StoreDatabase::stale_settings(RunId run, bool redo) {
  Stale stale;
  {
    auto row = db.query("SELECT settings_id FROM run WHERE run_id = ?");
    row.with(run).step();
    stale.now = row.integer(0);
  }
  const auto own = require_run(run);
  if (!own) return fail(own.error());
  const auto used = used_settings(run);
  if (!used) return fail(used.error());
  for (const auto& [settings_id, settings] : *used) {
    if (settings_id == stale.now) continue;
    const bool differs = !result_altering_difference(settings, own->settings).empty();
    if (differs) stale.other.insert(settings_id);
    if (differs || redo) stale.redo.insert(settings_id);
  }
  return stale;
}

void StoreDatabase::redo_scanned(RunId run) {
  db.query("UPDATE run SET redo = 'captioning' WHERE run_id = ? AND redo = 'scanning'")
      .with(run)
      .run();
}

Expected<std::int64_t> Manifest::redo_known(RunId run, bool redo) {
  sqlite::Database& db = impl_->db;
  return db.write("redo photos", [&]() -> Expected<std::int64_t> {
    const auto stale = impl_->stale_settings(run, redo);
    if (!stale) return fail(stale.error());
    if (redo) impl_->redo_scanned(run);
    if (stale->redo.empty()) return std::int64_t{0};
    const std::string older = json_array(stale->redo);
    std::int64_t lowest = 0;
    std::int64_t highest = 0;
    {
      auto row = db.query(
          "SELECT min(image_id), max(image_id) FROM image WHERE run_id = ? AND asked = 1 "
          "AND settings_id IN (SELECT value FROM json_each(?))");
      if (!row.with(run, older).step() || row.is_null(0)) return std::int64_t{0};
      lowest = row.integer(0);
      highest = row.integer(1);
    }
    const QueueSpan span = span_for(*impl_, run, lowest, highest);
    const int images =
        db.query(
              "UPDATE image SET attempt = attempt + 1, content_attempt = attempt + 1, "
              "state = 'pending', unsure = 0, reason = NULL, queue_seq = ? + image_id - ?, "
              "settings_id = ? "
              "WHERE run_id = ? AND asked = 1 "
              "AND settings_id IN (SELECT value FROM json_each(?))")
            .with(span.first, span.lowest_id, stale->now, run, older)
            .run();
    impl_->recount(run);
    return std::int64_t{images};
  });
}

void StoreDatabase::score_by_mode(RunId run, BlurMode mode, const std::string& settings_ids) {
  db.query(
        "UPDATE result SET blur_score = CASE ?1 WHEN 'full' THEN blur_full "
        "WHEN 'normalised' THEN blur_normalised WHEN 'tile_max' THEN blur_tile_max "
        "WHEN 'edges' THEN blur_edges ELSE blur_learned END "
        "WHERE blur_full IS NOT NULL AND (?1 <> 'learned' OR blur_learned IS NOT NULL) "
        "AND image_id IN (SELECT image_id FROM image "
        "WHERE run_id = ?2 AND settings_id IN (SELECT value FROM json_each(?3)))")
      .with(to_string(mode), run, settings_ids)
      .run();
  // Those of older versions have one score alone, or none in mode learned: they are measured again.
  db.query(
        "INSERT INTO temp.rejudged SELECT image.image_id, 'done', NULL FROM image "
        "JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt "
        "WHERE image.run_id = ?1 AND image.state IN ('done', 'blurred') "
        "AND (result.blur_full IS NULL OR (?2 = 'learned' AND result.blur_learned IS NULL)) "
        "AND image.settings_id IN (SELECT value FROM json_each(?3))")
      .with(run, to_string(mode), settings_ids)
      .run();
}

Status StoreDatabase::rejudge(RunId run, const BlurSettings& was, const BlurSettings& blur,
                              EnsuredRun& report) {
  const auto used = used_settings(run);
  if (!used) return fail(used.error());
  std::set<std::int64_t> one_scale;
  for (const auto& [settings_id, settings] : *used) {
    if (same_blur_sizes(settings.blur, blur)) one_scale.insert(settings_id);
  }
  const std::string judged_by = json_array(one_scale);
  db.query(
        "UPDATE run_settings SET settings = json_set(settings, '$.blur.blur_threshold', ?, "
        "'$.blur.mode', ?) WHERE settings_id IN (SELECT value FROM json_each(?))")
      .with(blur.blur_threshold, to_string(blur.mode), judged_by)
      .run();
  // For each image whose verdict changes: `copy_of` is the result that its new attempt starts from:
  // its own score for a newly blurred one, an earlier caption of the same content for a newly clear
  // one. None: pending.
  db.execute(
      "CREATE TEMP TABLE IF NOT EXISTS rejudged ("
      "image_id INTEGER PRIMARY KEY, verdict TEXT NOT NULL, copy_of INTEGER)");
  db.execute("DELETE FROM temp.rejudged");
  if (was.mode != blur.mode) score_by_mode(run, blur.mode, judged_by);
  db.query(
        "INSERT OR IGNORE INTO temp.rejudged "
        "SELECT image.image_id, 'blurred', result.result_id FROM image "
        "JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt "
        "WHERE image.run_id = ? AND image.state IN ('done', 'failed') AND result.blur_score < ? "
        "AND image.settings_id IN (SELECT value FROM json_each(?))")
      .with(run, blur.blur_threshold, judged_by)
      .run();
  db.query(
        "INSERT OR IGNORE INTO temp.rejudged "
        "SELECT image.image_id, 'done', (SELECT earlier.result_id FROM result AS earlier "
        "  WHERE earlier.image_id = image.image_id AND earlier.outcome = 'done' "
        "  AND earlier.attempt >= image.content_attempt ORDER BY earlier.attempt DESC LIMIT 1) "
        "FROM image "
        "JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt "
        "WHERE image.run_id = ? AND image.state = 'blurred' AND result.blur_score >= ? "
        "AND image.settings_id IN (SELECT value FROM json_each(?))")
      .with(run, blur.blur_threshold, judged_by)
      .run();
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
  {
    auto row = db.query(
        "SELECT count(*) FILTER (WHERE verdict = 'blurred'), "
        "count(*) FILTER (WHERE verdict = 'done' AND copy_of IS NULL), "
        "count(*) FILTER (WHERE verdict = 'done' AND copy_of IS NOT NULL), "
        "min(image_id), max(image_id) FROM temp.rejudged");
    row.step();
    report.became_blurred = row.integer(0);
    report.became_clear = row.integer(1);
    report.caption_restored = row.integer(2);
    if (row.is_null(3)) return {};
    lowest = row.integer(3);
    highest = row.integer(4);
  }
  const QueueSpan span = span_for(*this, run, lowest, highest);
  db.query(
        "INSERT INTO result (image_id, attempt, outcome, blur_score, width_px, height_px, caption, "
        "log_prob, tokens, worker_id, read_us, decode_us, caption_us, finished_unix_ms, "
        "confidence, blur_full, blur_normalised, blur_tile_max, blur_edges, blur_learned, "
        "content_hash, "
        "copied_from, hash_distance, word_log_prob_min, beam_agreement, mentioned_min, "
        "unmentioned_max, novelty, preview) "
        "SELECT image.image_id, image.attempt + 1, judged.verdict, result.blur_score, "
        "result.width_px, "
        "result.height_px, iif(judged.verdict = 'done', result.caption, NULL), "
        "iif(judged.verdict = 'done', result.log_prob, NULL), "
        "iif(judged.verdict = 'done', result.tokens, NULL), result.worker_id, result.read_us, "
        "result.decode_us, result.caption_us, result.finished_unix_ms, "
        "iif(judged.verdict = 'done', result.confidence, NULL), result.blur_full, "
        "result.blur_normalised, result.blur_tile_max, result.blur_edges, result.blur_learned, "
        "result.content_hash, "
        "iif(judged.verdict = 'done' OR result.hash_distance IS NULL, result.copied_from, NULL), "
        "iif(judged.verdict = 'done', result.hash_distance, NULL), "
        "iif(judged.verdict = 'done', result.word_log_prob_min, NULL), "
        "iif(judged.verdict = 'done', result.beam_agreement, NULL), "
        "iif(judged.verdict = 'done', result.mentioned_min, NULL), "
        "iif(judged.verdict = 'done', result.unmentioned_max, NULL), "
        "iif(judged.verdict = 'done', result.novelty, NULL), result.preview "
        "FROM temp.rejudged AS judged JOIN image USING (image_id) "
        "JOIN result ON result.result_id = judged.copy_of")
      .run();
  db.execute(
      "INSERT INTO result_concept (result_id, word_id, probability) "
      "SELECT copy.result_id, word_id, probability FROM temp.rejudged AS judged "
      "JOIN image USING (image_id) "
      "JOIN result AS copy ON copy.image_id = image.image_id AND copy.attempt = image.attempt + 1 "
      "JOIN result_concept ON result_concept.result_id = judged.copy_of "
      "WHERE judged.verdict = 'done'");
  copy_looks(
      "SELECT copy_of AS from_id, copy.result_id AS to_id FROM temp.rejudged AS judged "
      "JOIN image USING (image_id) "
      "JOIN result AS copy ON copy.image_id = image.image_id AND copy.attempt = image.attempt + 1 "
      "WHERE judged.verdict = 'done'");
  db.query(
        "UPDATE image SET attempt = attempt + 1, unsure = 0, reason = NULL, "
        "state = iif(judged.copy_of IS NULL, 'pending', judged.verdict), "
        "queue_seq = iif(judged.copy_of IS NULL, ? + image.image_id - ?, queue_seq) "
        "FROM temp.rejudged AS judged WHERE judged.image_id = image.image_id")
      .with(span.first, span.lowest_id)
      .run();
  db.execute("DELETE FROM temp.rejudged");
  recount(run);
  score_missing(run);
  return {};
}

}  // namespace photoscribe
