// What people and exports read: counts, summary, events.
#include <algorithm>
#include <map>

#include "common/sqlite/storage.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

RunCounts read_counts(sqlite::Database& db, RunId run) {
  RunCounts counts;
  auto row = db.query("SELECT asked, state, reason, images FROM run_count WHERE run_id = ?");
  row.with(run);
  while (row.step()) {
    StateCounts& side = row.integer(0) != 0 ? counts.asked : counts.others;
    const std::string state = row.text(1);
    const std::int64_t images = row.integer(3);
    if (state == "vanished") {
      counts.vanished += images;
    } else if (state == "pending") {
      side.pending += images;
    } else if (state == "done") {
      side.done += images;
    } else if (state == "unsure") {
      side.unsure += images;
    } else if (state == "blurred") {
      side.blurred += images;
    } else if (const auto reason = reason_from_string(row.text(2))) {
      side.failed_by_reason[static_cast<std::size_t>(*reason)] += images;
    }
  }
  return counts;
}

// Variants of a format are counted together; details name no single photo, so they are few.
std::vector<std::pair<std::string, std::int64_t>> formats(sqlite::Database& db, RunId run) {
  std::map<std::string, std::int64_t> counts;
  auto row = db.query(
      "SELECT result.detail, count(*) FROM image JOIN result ON result.image_id = image.image_id "
      "AND result.attempt = image.attempt WHERE image.run_id = ? AND image.state = 'failed' "
      "AND image.reason = 'unsupported' AND image.asked = 1 GROUP BY result.detail");
  row.with(run);
  while (row.step()) counts[format_of(row.text(0))] += row.integer(1);
  std::vector<std::pair<std::string, std::int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

std::vector<FailureGroup> failures(sqlite::Database& db, RunId run, const StateCounts& counts) {
  std::vector<FailureGroup> groups;
  for (std::size_t i = 0; i < counts.failed_by_reason.size(); ++i) {
    if (counts.failed_by_reason[i] == 0) continue;
    FailureGroup group;
    group.reason = static_cast<Reason>(i);
    group.images = counts.failed_by_reason[i];
    auto row = db.query(
        "SELECT root.folder, image.path, result.detail FROM image JOIN root USING (root_id) "
        "JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt "
        "WHERE image.run_id = ? AND image.state = 'failed' AND image.reason = ? "
        "AND image.asked = 1 LIMIT 1");
    if (row.with(run, to_string(group.reason)).step()) {
      group.example_uri = uri_of(row.text(0), row.text(1));
      group.example_detail = row.text(2);
    }
    if (group.reason == Reason::unsupported) group.formats = formats(db, run);
    groups.push_back(std::move(group));
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto& a, const auto& b) { return a.images > b.images; });
  return groups;
}

CorpusBleu corpus(sqlite::Database& db, RunId run) {
  CorpusBleu sum;
  auto row = db.query(
      "SELECT count(*), sum(matched_1), sum(matched_2), sum(matched_3), sum(matched_4), "
      "sum(total_1), sum(total_2), sum(total_3), sum(total_4), sum(candidate_tokens), "
      "sum(reference_tokens) FROM bleu JOIN result USING (result_id) "
      "JOIN image ON image.image_id = result.image_id AND image.attempt = result.attempt "
      "WHERE image.run_id = ? AND image.asked = 1 AND image.verdict = 'done'");
  row.with(run).step();
  sum.photos = row.integer(0);
  for (int n = 0; n < 4; ++n) {
    sum.counts.matched[static_cast<std::size_t>(n)] = row.integer(1 + n);
    sum.counts.total[static_cast<std::size_t>(n)] = row.integer(5 + n);
  }
  sum.counts.candidate_tokens = row.integer(9);
  sum.counts.reference_tokens = row.integer(10);
  return sum;
}

}  // namespace

std::string format_of(std::string_view unsupported_detail) {
  const auto end = std::min(unsupported_detail.find(": "), unsupported_detail.find(" is not "));
  return std::string(unsupported_detail.substr(0, end));
}

Expected<RunCounts> Lookup::counts(RunId run) {
  return impl_->db.read("count photos", [&] { return read_counts(impl_->db, run); });
}

Expected<StoreSummary> Lookup::summary(RunId run) {
  sqlite::Database& db = impl_->db;
  return db.read("sum up the run", [&]() -> Expected<StoreSummary> {
    StoreSummary summary;
    auto known = impl_->require_run(run);
    if (!known) return fail(known.error());
    summary.run = std::move(*known);
    summary.counts = read_counts(db, run);
    summary.failures = failures(db, run, summary.counts.asked);
    {
      auto row = db.query(
          "SELECT extension, files FROM skipped_extension WHERE run_id = ? "
          "ORDER BY files DESC, extension");
      row.with(run);
      while (row.step()) summary.skipped.push_back({row.text(0), row.integer(1)});
    }
    {
      auto row = db.query(
          "SELECT count(*) FROM (SELECT DISTINCT image_id FROM reference_caption) "
          "JOIN image USING (image_id) WHERE run_id = ? AND asked = 1");
      row.with(run).step();
      summary.images_with_references = row.integer(0);
    }
    if (summary.images_with_references > 0) summary.bleu = corpus(db, run);
    {
      auto row = db.query(
          "SELECT count(*), count(result.hash_distance) FROM result INDEXED BY result_copied "
          "JOIN image ON image.image_id = result.image_id AND image.attempt = result.attempt "
          "WHERE result.copied_from IS NOT NULL AND image.run_id = ? AND image.asked = 1 "
          "AND image.state IN ('done', 'blurred')");
      row.with(run).step();
      summary.near_duplicates = row.integer(1);
      summary.equal_photos = row.integer(0) - summary.near_duplicates;
    }
    {
      auto row = db.query(
          "SELECT total(json_extract(text, '$.photos')), total(json_extract(text, '$.cpu_s')) "
          "FROM event WHERE run_id = ? AND kind = 'work'");
      row.with(run).step();
      summary.work = {static_cast<std::int64_t>(row.real(0)), row.real(1)};
    }
    return summary;
  });
}

Status Recording::add_event(RunId run, std::string_view level, std::string_view kind,
                            std::string_view text) {
  return impl_->db.write("store event", [&] {
    impl_->db
        .query("INSERT INTO event (run_id, at_unix_ms, level, kind, text) VALUES (?, ?, ?, ?, ?)")
        .with(run, now_unix_ms(), level, kind, sqlite::text_of(text))
        .run();
  });
}

Status Recording::add_work(RunId run, const WorkDone& work) {
  return impl_->db.write("store work", [&] {
    impl_->db
        .query(
            "INSERT INTO event (run_id, at_unix_ms, level, kind, text) "
            "VALUES (?, ?, 'info', 'work', json_object('photos', ?, 'cpu_s', ?))")
        .with(run, now_unix_ms(), work.photos, work.cpu_s)
        .run();
  });
}

Expected<std::vector<StoreEvent>> Lookup::events(RunId run, std::size_t count) {
  return impl_->db.read("read events", [&] {
    std::vector<StoreEvent> all;
    auto row = impl_->db.query(
        "SELECT at_unix_ms, level, kind, text FROM event WHERE run_id = ? AND kind <> 'work' "
        "ORDER BY event_id DESC LIMIT ?");
    row.with(run, count);
    while (row.step()) all.push_back({row.integer(0), row.text(1), row.text(2), row.text(3)});
    return all;
  });
}

}  // namespace photoscribe
