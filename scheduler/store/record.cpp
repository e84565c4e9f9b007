// The transaction of the scheduler's recorder.
#include "common/core/seen_rule.h"
#include "common/sqlite/storage.h"
#include "scheduler/store/record_rule.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

/// What goes into one row of `result`.
struct Outcome {
  Verdict verdict = Verdict::failed;
  std::optional<double> blur_score;  // by the run's mode
  const Caption* caption = nullptr;  // of done and unsure
  std::optional<double> confidence;  // of the caption
  std::optional<Reason> reason;      // of failed
  std::optional<std::string> detail;
};

Outcome outcome_of(const Result& result, const RunSettings& settings) {
  Outcome outcome;
  const std::optional<double> confidence = confidence_of(result, settings.confidence);
  outcome.verdict = verdict_of(result, settings, confidence);
  if (result.blur_scores) outcome.blur_score = result.blur_scores->of(settings.blur.mode);
  if (const auto* captioned = std::get_if<Captioned>(&result.outcome)) {
    if (outcome.verdict != Verdict::blurred) {
      outcome.caption = &captioned->caption;
      outcome.confidence = confidence;
    }
  } else if (const auto* failed = std::get_if<Failed>(&result.outcome)) {
    outcome.reason = failed->reason;
    outcome.detail = sqlite::text_of(failed->detail);
  }
  return outcome;
}

ImageState state_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::done:
      return ImageState::done;
    case Verdict::unsure:
      return ImageState::unsure;
    case Verdict::blurred:
      return ImageState::blurred;
    case Verdict::failed:
      return ImageState::failed;
    case Verdict::uncaptioned:
      break;
  }
  return ImageState::pending;
}

/// What the result itself says: `unsure` is a mark on the image.
ImageState without_mark(ImageState state) {
  return state == ImageState::unsure ? ImageState::done : state;
}

std::optional<std::string> reason_text(const std::optional<Reason>& reason) {
  if (!reason) return std::nullopt;
  return std::string(to_string(*reason));
}

std::optional<std::int64_t> size_px(int pixels) {
  if (pixels <= 0) return std::nullopt;
  return pixels;
}

std::optional<sqlite::Blob> blob_of(const std::optional<ContentHash>& hash) {
  if (!hash) return std::nullopt;
  return sqlite::Blob{bytes_of(*hash)};
}

class ResultWriter {
 public:
  ResultWriter(StoreDatabase& store, RunId run, const RunSettings& settings)
      : store_(store), db_(store.db), run_(run), settings_(settings), changes_(run) {
    auto row = db_.query("SELECT EXISTS (SELECT 1 FROM reference_caption)");
    row.step();
    has_references_ = row.integer(0) != 0;
    auto now = db_.query("SELECT settings_id FROM run WHERE run_id = ?");
    now.with(run).step();
    settings_id_ = now.integer(0);
  }

  void record(const Result& result, std::int64_t worker_id) {
    const Outcome outcome = outcome_of(result, settings_);
    const std::optional<Row> row = find(result.image_id);
    const RecordOutcome rule =
        row ? record_rule(row->image, result.attempt, outcome.verdict) : RecordOutcome::unknown;
    report_.outcomes.push_back(rule);
    switch (rule) {
      case RecordOutcome::recorded:
        ++report_.recorded;
        insert(result, outcome, worker_id, std::nullopt);
        note_fresh(*row, result, outcome);
        break;
      case RecordOutcome::replaced:
        ++report_.replaced;
        insert(result, outcome, worker_id, remove(result));
        note_fresh(*row, result, outcome);
        break;
      case RecordOutcome::requeued:
        ++report_.requeued;
        requeue(result.image_id);
        break;
      case RecordOutcome::duplicate:
        ++report_.duplicate;
        return;
      case RecordOutcome::superseded:
        ++report_.superseded;
        return;
      case RecordOutcome::unknown:
        ++report_.unknown;
        return;
    }
    const KnownImage& before = row->image;
    changes_.add(row->asked, name_of(before.state), reason_text(before.reason).value_or(""), -1);
    changes_.add(row->asked, name_of(state_of(outcome.verdict)),
                 reason_text(outcome.reason).value_or(""), +1);
  }

  RecordReport finish() {
    changes_.flush(db_);
    return std::move(report_);
  }

 private:
  struct Row {
    KnownImage image;
    bool asked = false;
    bool of_now = false;  // its attempt was made under the run's present settings
    std::int64_t size_bytes = 0;
  };

  std::optional<Row> find(std::int64_t image_id) {
    auto row = db_.query(
        "SELECT attempt, verdict, reason, asked, settings_id, size_bytes FROM image "
        "WHERE image_id = ? AND run_id = ?");
    if (!row.with(image_id, run_).step()) return std::nullopt;
    Row found;
    found.image.attempt = static_cast<std::int32_t>(row.integer(0));
    found.image.state = state_from(row.text(1));
    if (const auto reason = row.optional_text(2)) found.image.reason = reason_from_string(*reason);
    found.asked = row.integer(3) != 0;
    found.of_now = row.integer(4) == settings_id_;
    found.size_bytes = row.integer(5);
    return found;
  }

  /// A late result of other settings is right for its own photo, and for no other.
  void note_fresh(const Row& row, const Result& result, const Outcome& outcome) {
    if (outcome.verdict == Verdict::failed || !row.of_now) return;
    const bool small = row.size_bytes > 0 && row.size_bytes < kAskFirstBytes;  // 0: of a URL
    if (outcome.verdict == Verdict::blurred && small) return;
    if (result.content_hash && !result.copied_from) report_.fresh.push_back(result);
  }

  /// Takes the failure away that a later result replaces; the result_id for that result. A new one,
  /// since search indexes captions by rising result_id.
  std::int64_t remove(const Result& result) {
    std::int64_t next = 0;
    {
      auto row = db_.query("SELECT max(result_id) + 1 FROM result");
      row.step();
      next = row.integer(0);
    }
    db_.query("DELETE FROM result WHERE image_id = ? AND attempt = ?")
        .with(result.image_id, result.attempt)
        .run();
    return next;
  }

  void insert(const Result& result, const Outcome& outcome, std::int64_t worker_id,
              std::optional<std::int64_t> result_id) {
    const ImageState state = state_of(outcome.verdict);
    const auto reason = reason_text(outcome.reason);
    std::optional<std::string> caption;
    std::optional<double> log_prob;
    std::optional<std::int64_t> tokens;
    std::optional<CaptionEvidence> evidence;
    if (outcome.caption != nullptr) {
      caption = sqlite::text_of(outcome.caption->text);
      log_prob = outcome.caption->log_prob;
      tokens = outcome.caption->tokens;
      evidence = outcome.caption->evidence;
    }
    const auto evidence_value =
        [&evidence](double CaptionEvidence::*number) -> std::optional<double> {
      if (!evidence) return std::nullopt;
      return (*evidence).*number;
    };
    const auto score_in = [&result](BlurMode mode) -> std::optional<double> {
      if (!result.blur_scores) return std::nullopt;
      return result.blur_scores->of(mode);
    };
    std::optional<std::int64_t> copied_from;
    std::optional<int> hash_distance;
    if (result.copied_from) {
      copied_from = result.copied_from->image_id;
      hash_distance = result.copied_from->hash_distance;
    }
    db_.query(
           "INSERT INTO result (result_id, image_id, attempt, outcome, blur_score, width_px, "
           "height_px, caption, log_prob, tokens, reason, detail, worker_id, read_us, decode_us, "
           "caption_us, finished_unix_ms, confidence, blur_full, blur_normalised, blur_tile_max, "
           "blur_edges, blur_learned, content_hash, copied_from, hash_distance, word_log_prob_min, "
           "beam_agreement, mentioned_min, unmentioned_max, novelty, preview) "
           "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
           "?, ?, ?, ?, ?, ?)")
        .with(result_id, result.image_id, result.attempt, name_of(without_mark(state)),
              outcome.blur_score, size_px(result.width_px), size_px(result.height_px), caption,
              log_prob, tokens, reason, outcome.detail, worker_id, result.times.read_us,
              result.times.decode_us, result.times.caption_us, result.finished_unix_ms,
              outcome.confidence, score_in(BlurMode::full), score_in(BlurMode::normalised),
              score_in(BlurMode::tile_max), score_in(BlurMode::edges), score_in(BlurMode::learned),
              blob_of(result.content_hash), copied_from, hash_distance,
              evidence_value(&CaptionEvidence::word_log_prob_min),
              evidence_value(&CaptionEvidence::beam_agreement),
              evidence_value(&CaptionEvidence::mentioned_min),
              evidence_value(&CaptionEvidence::unmentioned_max),
              evidence_value(&CaptionEvidence::novelty), result.preview)
        .run();
    const std::int64_t row_id = db_.handle().getLastInsertRowid();
    if (outcome.caption != nullptr) {
      store_.add_concepts(row_id, outcome.caption->concepts);
      store_.add_looks(row_id, *outcome.caption);
    }
    db_.query("UPDATE image SET state = ?, unsure = ?, reason = ? WHERE image_id = ?")
        .with(name_of(without_mark(state)), state == ImageState::unsure, reason, result.image_id)
        .run();
    if (caption && has_references_) {
      if (const auto references = store_.references(result.image_id); !references.empty()) {
        store_.score(row_id, *caption, references);
      }
    }
    ++(state == ImageState::done      ? report_.done
       : state == ImageState::unsure  ? report_.unsure
       : state == ImageState::blurred ? report_.blurred
                                      : report_.failed);
  }

  void requeue(std::int64_t image_id) {
    db_.query(
           "UPDATE image SET attempt = attempt + 1, state = 'pending', unsure = 0, reason = NULL, "
           "queue_seq = ? WHERE image_id = ?")
        .with(store_.extend_queue(run_, 1), image_id)
        .run();
  }

  StoreDatabase& store_;
  sqlite::Database& db_;
  RunId run_;
  const RunSettings& settings_;  // of require_run's row, which outlives this
  bool has_references_ = false;
  std::int64_t settings_id_ = 0;  // of the run, now
  CountChanges changes_;
  RecordReport report_;
};

Result result_of(const Condemned& condemned) {
  Result result;
  result.image_id = condemned.image_id;
  result.attempt = condemned.attempt;
  Failed failed;
  failed.reason = Reason::crashed_worker;
  failed.detail = "in hand at " + std::to_string(condemned.deliveries) + " worker crashes";
  result.outcome = std::move(failed);
  result.finished_unix_ms = now_unix_ms();
  return result;
}

}  // namespace

Expected<RecordReport> Recording::record(RunId run, const Incoming& incoming) {
  sqlite::Database& db = impl_->db;
  return db.write("record results", [&]() -> Expected<RecordReport> {
    const auto row = impl_->require_run(run);
    if (!row) return fail(row.error());
    ResultWriter writer(*impl_, run, row->settings);
    for (const ResultBatch& batch : incoming.batches) {
      const std::int64_t worker_id = impl_->worker_id(batch.worker);
      for (const Result& result : batch.results) writer.record(result, worker_id);
    }
    for (const Condemned& condemned : incoming.condemned) {
      writer.record(result_of(condemned), impl_->worker_id(condemned.worker));
    }
    for (const Unparsable& entry : incoming.unparsable) {
      // A batch comes again when its XDEL failed: then the entry is here already.
      db.query(
            "INSERT INTO quarantine (run_id, entry_id, bytes, why, at_unix_ms) "
            "SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM quarantine "
            "WHERE run_id = ?1 AND entry_id = ?2 AND bytes = ?3)")
          .with(run, entry.entry_id, sqlite::Blob{entry.bytes}, sqlite::text_of(entry.why),
                now_unix_ms())
          .run();
    }
    RecordReport report = writer.finish();
    report.quarantined = static_cast<std::int64_t>(incoming.unparsable.size());
    return report;
  });
}

}  // namespace photoscribe
