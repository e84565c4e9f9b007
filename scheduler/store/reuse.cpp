// Content reuse (design.md 5): photos that another run of the database has judged already under the
// same key, and that lie there unchanged, are taken over without being read; and what is worth
// remembering in Redis for photos with the same bytes.
#include <algorithm>
#include <utility>

#include "scheduler/store/settings.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

/// Settings rows under which a photo gets what it would get under `wanted`, were there no other
/// photos; those of `but` left out. A list in JSON.
Expected<std::string> same_key(sqlite::Database& db, std::optional<RunId> but,
                               const RunSettings& wanted) {
  std::string ids;
  auto row = db.query("SELECT settings_id, settings FROM run_settings WHERE run_id IS NOT ?");
  row.with(but);
  while (row.step()) {
    auto settings = parse_settings(row.text(1));
    if (!settings) return fail(settings.error());
    if (!same_results_alone(*settings, wanted)) continue;
    ids += (ids.empty() ? "[" : ",") + std::to_string(row.integer(0));
  }
  return ids.empty() ? ids : ids + "]";
}

/// The newest result of each photo that waits for its first attempt and was never put into Redis.
void find_results(sqlite::Database& db, RunId run, const BlurSettings& blur,
                  const std::string& settings_ids) {
  db.execute(
      "CREATE TEMP TABLE IF NOT EXISTS reused ("
      "image_id INTEGER PRIMARY KEY, copy_of INTEGER NOT NULL, blur_score REAL NOT NULL, "
      "verdict TEXT NOT NULL)");
  db.execute("DELETE FROM temp.reused");
  db.query(
        "INSERT OR IGNORE INTO temp.reused "
        "SELECT image_id, result_id, score, iif(score < ?1, 'blurred', 'done') FROM ("
        "  SELECT mine.image_id, result.result_id, result.caption, CASE ?2 "
        "    WHEN 'full' THEN blur_full WHEN 'normalised' THEN blur_normalised "
        "    WHEN 'tile_max' THEN blur_tile_max WHEN 'edges' THEN blur_edges "
        "    ELSE blur_learned END AS score "
        "  FROM image AS mine "
        "  JOIN image AS other ON other.root_id = mine.root_id AND other.path = mine.path "
        "    AND other.run_id <> mine.run_id AND other.size_bytes = mine.size_bytes "
        "    AND other.mtime_ns = mine.mtime_ns AND other.inode = mine.inode "
        "    AND other.member_offset IS mine.member_offset "
        "  JOIN result ON result.image_id = other.image_id AND result.attempt = other.attempt "
        "  WHERE mine.run_id = ?3 AND mine.state = 'pending' AND mine.asked = 1 "
        "    AND mine.attempt = 1 AND mine.queue_seq > (SELECT cursor FROM run WHERE run_id = ?3) "
        "    AND other.state IN ('done', 'blurred') "
        "    AND other.settings_id IN (SELECT value FROM json_each(?4)) "
        "    AND result.hash_distance IS NULL "
        "    AND result.blur_full IS NOT NULL ORDER BY result.result_id DESC) "
        "WHERE score < ?1 OR (score IS NOT NULL AND caption IS NOT NULL)")
      .with(blur.blur_threshold, to_string(blur.mode), run, settings_ids)
      .run();
}

}  // namespace

Expected<std::int64_t> Manifest::reuse_results(RunId run) {
  sqlite::Database& db = impl_->db;
  return db.write("take results over", [&]() -> Expected<std::int64_t> {
    const auto own = impl_->require_run(run);
    if (!own) return fail(own.error());
    const Expected<std::string> settings_ids = same_key(db, run, own->settings);
    if (!settings_ids) return fail(settings_ids.error());
    if (settings_ids->empty()) return std::int64_t{0};
    find_results(db, run, own->settings.blur, *settings_ids);
    const int images =
        db.query(
              "INSERT INTO result (image_id, attempt, outcome, blur_score, width_px, height_px, "
              "caption, log_prob, tokens, worker_id, read_us, decode_us, caption_us, "
              "finished_unix_ms, blur_full, blur_normalised, blur_tile_max, blur_edges, "
              "blur_learned, content_hash, copied_from, word_log_prob_min, beam_agreement, "
              "mentioned_min, "
              "unmentioned_max, novelty, preview) "
              "SELECT reused.image_id, 1, reused.verdict, reused.blur_score, width_px, height_px, "
              "iif(reused.verdict = 'done', caption, NULL), "
              "iif(reused.verdict = 'done', log_prob, NULL), "
              "iif(reused.verdict = 'done', tokens, NULL), worker_id, read_us, decode_us, "
              "caption_us, finished_unix_ms, blur_full, blur_normalised, blur_tile_max, "
              "blur_edges, "
              "blur_learned, content_hash, copied_from, "
              "iif(reused.verdict = 'done', word_log_prob_min, NULL), "
              "iif(reused.verdict = 'done', beam_agreement, NULL), "
              "iif(reused.verdict = 'done', mentioned_min, NULL), "
              "iif(reused.verdict = 'done', unmentioned_max, NULL), "
              "iif(reused.verdict = 'done', novelty, NULL), preview "
              "FROM temp.reused AS reused JOIN result ON result.result_id = reused.copy_of")
            .run();
    if (images == 0) return std::int64_t{0};
    db.execute(
        "INSERT INTO result_concept (result_id, word_id, probability) "
        "SELECT copy.result_id, word_id, probability FROM temp.reused AS reused "
        "JOIN result AS copy ON copy.image_id = reused.image_id AND copy.attempt = 1 "
        "JOIN result_concept ON result_concept.result_id = reused.copy_of "
        "WHERE reused.verdict = 'done'");
    impl_->copy_looks(
        "SELECT copy_of AS from_id, copy.result_id AS to_id FROM temp.reused AS reused "
        "JOIN result AS copy ON copy.image_id = reused.image_id AND copy.attempt = 1 "
        "WHERE reused.verdict = 'done'");
    db.query(
          "UPDATE image SET state = reused.verdict FROM temp.reused AS reused "
          "WHERE reused.image_id = image.image_id")
        .run();
    db.execute("DELETE FROM temp.reused");
    impl_->recount(run);
    impl_->score_missing(run);
    if (own->settings.confidence) {
      impl_->judge_confidence(run, own->settings.confidence);
      impl_->judge_unsure(run, own->settings.min_confidence);
    }
    return std::int64_t{images};
  });
}

Expected<SharedResults> Recording::results_to_share(RunId run, std::optional<std::int64_t> below,
                                                    std::int64_t rows) {
  sqlite::Database& db = impl_->db;
  return db.read("read results to share", [&]() -> Expected<SharedResults> {
    SharedResults shared;
    const auto own = impl_->require_run(run);
    if (!own) return fail(own.error());
    const SearchSettings& keeps = own->settings.search;  // as all whose results it may share
    const Expected<std::string> settings_ids = same_key(db, std::nullopt, own->settings);
    if (!settings_ids) return fail(settings_ids.error());
    if (!below) {
      auto last = db.query("SELECT max(result_id) + 1 FROM result");
      last.step();
      below = last.integer(0);
    }
    const std::int64_t from = std::max<std::int64_t>(0, *below - rows);
    auto row = db.query(
        "SELECT result.image_id, width_px, height_px, caption, log_prob, tokens, blur_full, "
        "blur_normalised, blur_tile_max, blur_edges, blur_learned, content_hash, result_id, "
        "word_log_prob_min, beam_agreement, mentioned_min, unmentioned_max, novelty, preview "
        "FROM result "
        "JOIN image ON image.image_id = result.image_id AND image.attempt = result.attempt "
        "WHERE result_id >= ? AND result_id < ? AND outcome <> 'failed' "
        "AND length(content_hash) = 32 AND copied_from IS NULL AND blur_learned IS NOT NULL "
        "AND image.settings_id IN (SELECT value FROM json_each(?)) ORDER BY result_id DESC");
    row.with(from, *below, *settings_ids);
    while (row.step()) {
      Result result;
      result.image_id = row.integer(0);
      result.width_px = static_cast<int>(row.integer(1));
      result.height_px = static_cast<int>(row.integer(2));
      result.outcome = Blurred{};
      if (!row.is_null(3)) {
        result.outcome =
            Captioned{Caption{row.text(3), row.real(4), static_cast<int>(row.integer(5)),
                              StoreDatabase::evidence(row, 13), impl_->concepts(row.integer(12))}};
        Caption& caption = std::get<Captioned>(result.outcome).caption;
        if (keeps.alternatives > 0) caption.alternatives = impl_->alternatives(row.integer(12));
        if (keeps.attention > 0) caption.attention = impl_->attention(row.integer(12));
      }
      result.blur_scores =
          BlurScores{{row.real(6), row.real(7), row.real(8), row.real(9), row.real(10)}};
      result.preview = row.integer(18) != 0;
      const std::string hash = row.text(11);
      std::copy(hash.begin(), hash.end(), result.content_hash.emplace().begin());
      shared.results.push_back(std::move(result));
    }
    shared.next_below = from;
    return shared;
  });
}

}  // namespace photoscribe
