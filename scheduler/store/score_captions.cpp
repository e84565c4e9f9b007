// Reference captions and the BLEU of the captions that have them.
#include <span>
#include <unordered_map>

#include "common/scores/tokenize.h"
#include "common/sqlite/storage.h"
#include "scheduler/store/paths.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {}  // namespace

void StoreDatabase::set_references(std::int64_t image_id,
                                   const std::vector<std::string>& captions) {
  // Scores against the old references no longer hold.
  db.query("DELETE FROM bleu WHERE result_id IN (SELECT result_id FROM result WHERE image_id = ?)")
      .with(image_id)
      .run();
  db.query("DELETE FROM reference_caption WHERE image_id = ?").with(image_id).run();
  std::int64_t ordinal = 0;
  for (const std::string& caption : captions) {
    db.query("INSERT INTO reference_caption (image_id, ordinal, caption) VALUES (?, ?, ?)")
        .with(image_id, ordinal++, caption)
        .run();
  }
}

std::vector<std::string> StoreDatabase::references(std::int64_t image_id) {
  std::vector<std::string> captions;
  auto row = db.query("SELECT caption FROM reference_caption WHERE image_id = ? ORDER BY ordinal");
  row.with(image_id);
  while (row.step()) captions.push_back(row.text(0));
  return captions;
}

void StoreDatabase::score(std::int64_t result_id, const std::string& caption,
                          const std::vector<std::string>& captions) {
  std::vector<Tokens> tokens;
  tokens.reserve(captions.size());
  for (const std::string& reference : captions) tokens.push_back(ptb_tokens(reference));
  const BleuCounts counts = count_bleu(ptb_tokens(caption), tokens);
  const auto scores = bleu(counts);
  db.query("INSERT INTO bleu VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .with(result_id, counts.matched[0], counts.matched[1], counts.matched[2], counts.matched[3],
            counts.total[0], counts.total[1], counts.total[2], counts.total[3],
            counts.candidate_tokens, counts.reference_tokens, scores[0], scores[1], scores[2],
            scores[3])
      .run();
}

void StoreDatabase::score_missing(RunId run) {
  struct Unscored {
    std::int64_t result_id, image_id;
    std::string caption;
  };
  std::int64_t last = 0;
  for (bool more = true; more;) {
    std::vector<Unscored> page;
    {
      auto row = db.query(
          "SELECT result.result_id, image.image_id, result.caption, image.image_id FROM image "
          "JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt "
          "LEFT JOIN bleu ON bleu.result_id = result.result_id "
          "WHERE image.image_id > ? AND image.run_id = ? AND image.state = 'done' "
          "AND bleu.result_id IS NULL AND EXISTS "
          "(SELECT 1 FROM reference_caption WHERE reference_caption.image_id = image.image_id) "
          "ORDER BY image.image_id LIMIT 1000");
      row.with(last, run);
      while (row.step()) {
        page.push_back({row.integer(0), row.integer(1), row.text(2)});
        last = row.integer(3);
      }
    }
    more = !page.empty();
    for (const Unscored& one : page) score(one.result_id, one.caption, references(one.image_id));
  }
}

Expected<std::int64_t> Manifest::set_references(RunId run, std::span<const NamedReferences> named) {
  std::unordered_map<std::string_view, const std::vector<std::string>*> by_name;
  for (const NamedReferences& one : named) by_name[one.file_name] = &one.captions;
  sqlite::Database& db = impl_->db;
  return db.write("store reference captions", [&] {
    struct Match {
      std::int64_t image_id;
      const std::vector<std::string>* captions;
    };
    std::int64_t matched = 0;
    std::int64_t last = 0;
    for (bool more = true; more;) {
      std::vector<Match> page;
      {
        auto row = db.query(
            "SELECT image_id, path, coalesce(archive_bytes, 0) FROM image "
            "WHERE image_id > ? AND run_id = ? "
            "ORDER BY image_id LIMIT 20000");
        row.with(last, run);
        more = false;
        while (row.step()) {
          more = true;
          last = row.integer(0);
          const std::string path = row.text(1);
          const auto found = by_name.find(photo_base_name(path, row.integer(2)));
          if (found != by_name.end()) page.push_back({last, found->second});
        }
      }
      for (const Match& match : page) {
        ++matched;
        if (impl_->references(match.image_id) == *match.captions) continue;
        impl_->set_references(match.image_id, *match.captions);
      }
    }
    impl_->score_missing(run);
    return matched;
  });
}

Expected<std::vector<std::string>> Lookup::references_of(std::int64_t image_id) {
  return impl_->db.read("read references", [&] { return impl_->references(image_id); });
}

}  // namespace photoscribe
