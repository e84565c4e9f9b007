#include "ops/serve/run_json.h"

#include <nlohmann/json.hpp>

#include "common/scores/bleu.h"
#include "common/text/escape.h"
#include "common/text/utf8.h"
#include "scheduler/queue/run_monitor.h"

namespace photoscribe::serve {
namespace {

using nlohmann::json;

}  // namespace

nlohmann::json now_json(const RunNow& now) {
  const StateCounts& asked = now.counts.asked;
  json reasons = json::object();
  for (std::size_t i = 0; i < asked.failed_by_reason.size(); ++i) {
    if (asked.failed_by_reason[i] == 0) continue;
    reasons[std::string(to_string(static_cast<Reason>(i)))] = asked.failed_by_reason[i];
  }
  return {{"id", now.run.id},
          {"name", replaced(now.run.name)},
          {"control", to_string(now.run.control)},
          {"created_unix_ms", now.run.created_unix_ms},
          {"total", asked.total()},
          {"pending", asked.pending},
          {"done", asked.done},
          {"unsure", asked.unsure},
          {"blurred", asked.blurred},
          {"failed", asked.failed()},
          {"failed_by_reason", std::move(reasons)},
          {"vanished", now.counts.vanished},
          {"others", now.counts.others.total() - now.counts.vanished},
          {"photos_per_s", now.photos_per_s},
          {"left_s", now.left_s ? json(*now.left_s) : json()},
          {"blur_threshold", now.run.settings.blur.blur_threshold},
          {"blur_mode", to_string(now.run.settings.blur.mode)},
          {"min_confidence", now.run.settings.min_confidence}};
}

nlohmann::json roots_json(const std::vector<RootEntry>& roots) {
  json rows = json::array();
  for (const RootEntry& one : roots) {
    rows.push_back({{"id", one.root_id},
                    {"name", replaced(one.root.name)},
                    {"folder", percent_escaped(one.root.folder)}});
  }
  return rows;
}

nlohmann::json details_json(const RunDetails& details) {
  const StoreSummary& summary = details.summary;
  json object;
  object["model_name"] = replaced(summary.run.settings.model_name);
  object["model"] = summary.run.settings.model_hash;
  object["beam"] = summary.run.settings.search.beam;
  object["equal_photos"] = summary.equal_photos;
  object["near_duplicates"] = summary.near_duplicates;
  object["failures"] = json::array();
  for (const FailureGroup& one : summary.failures) {
    json formats = json::object();
    for (const auto& [format, photos] : one.formats) formats[replaced(format)] = photos;
    object["failures"].push_back({{"reason", to_string(one.reason)},
                                  {"photos", one.images},
                                  {"example", replaced(one.example_uri)},
                                  {"detail", replaced(one.example_detail)},
                                  {"formats", std::move(formats)}});
  }
  object["events"] = json::array();
  for (const StoreEvent& one : details.events) {
    object["events"].push_back({{"at_unix_ms", one.at_unix_ms},
                                {"level", one.level},
                                {"kind", one.kind},
                                {"text", replaced(one.text)}});
  }
  object["roots"] = roots_json(details.roots);
  object["bleu"] = nullptr;
  if (summary.bleu && summary.bleu->photos > 0) {
    const auto scores = bleu(summary.bleu->counts);
    object["bleu"] = {{"photos", summary.bleu->photos}, {"bleu4", 100 * scores[3]}};
  }
  return object;
}

void add_archive_metrics(http::MetricsText& out, const ArchiveNow& archive) {
  using Type = http::MetricsText::Type;
  CountsByRun counts;
  for (const RunNow& one : archive.runs) counts.emplace_back(one.run.name, one.counts);
  add_counts(out, counts);
  out.family("photoscribe_photos_per_second", Type::gauge,
             "Photos that got their result, over the last half minute.");
  for (const RunNow& one : archive.runs) {
    out.sample({{"run", one.run.name}}, one.photos_per_s);
  }
  out.family("photoscribe_run_control", Type::gauge,
             "1 for what was asked of a run: running, paused or cancelled.");
  for (const RunNow& one : archive.runs) {
    out.sample({{"run", one.run.name}, {"control", to_string(one.run.control)}}, 1);
  }
  out.family("photoscribe_caption_edits", Type::gauge,
             "Photos whose caption a person wrote or approved.");
  out.sample({{"action", "set"}}, static_cast<double>(archive.edited));
  out.sample({{"action", "approve"}}, static_cast<double>(archive.approved));
  out.family("photoscribe_scheduler_up", Type::gauge, "1 while a scheduler writes the database.");
  out.sample({}, archive.writer ? 1 : 0);
}

}  // namespace photoscribe::serve
