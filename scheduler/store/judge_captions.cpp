// The evidence for and against captions, and the verdict that follows: which are unsure.
#include <utility>

#include "common/scores/named_objects.h"
#include "common/sqlite/storage.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

/// Settings under which the run's current model captioned: its regression does not apply to other
/// models' captions.
constexpr const char* kOfTheModel =
    "(SELECT settings_id FROM run_settings WHERE run_id = ?1 AND model_hash = "
    "(SELECT model_hash FROM run JOIN run_settings USING (settings_id) WHERE run.run_id = ?1))";

// Static strings: statements are cached by the address of their text.
const std::string kForget =
    "UPDATE result SET confidence = NULL WHERE confidence IS NOT NULL AND image_id IN "
    "(SELECT image_id FROM image WHERE run_id = ?1 AND settings_id IN " +
    std::string(kOfTheModel) + ")";
const std::string kCaptions =
    "SELECT image.image_id, result.result_id, log_prob, tokens, coalesce(blur_full, blur_score), "
    "word_log_prob_min, beam_agreement, mentioned_min, unmentioned_max, novelty, caption FROM "
    "image "
    "LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt "
    "AND image.settings_id IN " +
    std::string(kOfTheModel) +
    " WHERE image.run_id = ?1 AND image.image_id > ?2 ORDER BY image.image_id LIMIT 20000";

}  // namespace

std::optional<CaptionEvidence> StoreDatabase::evidence(const sqlite::Query& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return CaptionEvidence{row.real(column), row.real(column + 1), row.real(column + 2),
                         row.real(column + 3), row.real(column + 4)};
}

void StoreDatabase::add_concepts(std::int64_t result_id, const std::vector<Concept>& concepts) {
  for (const Concept& one : concepts) {
    const std::string word = sqlite::text_of(one.word);
    const auto add = [&] {
      return db
          .query(
              "INSERT OR IGNORE INTO result_concept (result_id, word_id, probability) "
              "SELECT ?, word_id, ? FROM concept_word WHERE word = ?")
          .with(result_id, kept_probability(one), word)
          .run();
    };
    if (add() > 0) continue;  // all but the first photos with that concept
    db.query("INSERT OR IGNORE INTO concept_word (word) VALUES (?)").with(word).run();
    add();
  }
}

std::vector<Concept> StoreDatabase::concepts(std::int64_t result_id) {
  std::vector<Concept> found;
  auto row = db.query(
      "SELECT word, probability FROM result_concept JOIN concept_word USING (word_id) "
      "WHERE result_id = ? ORDER BY probability DESC, word");
  row.with(result_id);
  while (row.step()) found.push_back({row.text(0), static_cast<float>(row.real(1))});
  return found;
}

void StoreDatabase::judge_confidence(RunId run, const std::optional<ConfidenceModel>& model) {
  if (!model) {
    db.query(kForget.c_str()).with(run).run();
    return;
  }
  struct Judged {
    std::int64_t result_id;
    double confidence;
  };
  std::int64_t last = 0;
  for (bool more = true; more;) {  // in pages, since a row may not change under the statement
    std::vector<Judged> page;
    {
      auto row = db.query(kCaptions.c_str());
      row.with(run, last);
      more = false;
      while (row.step()) {
        more = true;
        last = row.integer(0);
        if (row.is_null(2)) continue;
        std::vector<NamedObject> objects;
        if (!model->objects.empty())
          objects = named_objects(row.text(10), concepts(row.integer(1)));
        const ConfidenceFeatures features = confidence_features(
            row.real(2), row.integer(3), row.real(4), evidence(row, 5), std::move(objects));
        page.push_back({row.integer(1), confidence(*model, features)});
      }
    }
    for (const Judged& one : page) {
      db.query("UPDATE result SET confidence = ? WHERE result_id = ?")
          .with(one.confidence, one.result_id)
          .run();
    }
  }
}

StoreDatabase::Unsure StoreDatabase::judge_unsure(RunId run, double min_confidence) {
  const auto mark = [&](bool unsure) {
    return std::int64_t{
        db.query("UPDATE image SET unsure = ?2 FROM result "
                 "WHERE result.image_id = image.image_id AND result.attempt = image.attempt "
                 "AND image.run_id = ?1 AND image.state = 'done' AND image.unsure <> ?2 "
                 "AND (coalesce(result.confidence, 1) < ?3) = ?2")
            .with(run, unsure, min_confidence)
            .run()};
  };
  Unsure changed;
  changed.became_unsure = mark(true);
  changed.became_sure = mark(false);
  if (changed.became_unsure + changed.became_sure > 0) recount(run);
  return changed;
}

}  // namespace photoscribe
