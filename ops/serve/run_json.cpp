#include "ops/serve/run_json.h"

#include <nlohmann/json.hpp>

#include "common/scores/bleu.h"
#include "common/text/escape.h"
#include "common/text/utf8.h"

namespace photoscribe::serve {
namespace {

using nlohmann::json;

StateCounts sum(const RunCounts& counts) {
  StateCounts all = counts.asked;
  all.pending += counts.others.pending;
  all.done += counts.others.done;
  all.unsure += counts.others.unsure;
  all.blurred += counts.others.blurred;
  for (std::size_t i = 0; i < all.failed_by_reason.size(); ++i) {
    all.failed_by_reason[i] += counts.others.failed_by_reason[i];
  }
  return all;
}

/// A label's value: \, " and newlines escaped.
std::string label(std::string_view text) {
  std::string out;
  for (const char c : replaced(text)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out;
}

void begin(std::string& out, const std::string& name, const std::string& help) {
  out += "# HELP photoscribe_" + name + " " + help + "\n# TYPE photoscribe_" + name + " gauge\n";
}

void sample(std::string& out, const std::string& name, const std::string& labels,
            const std::string& value) {
  out += "photoscribe_" + name + (labels.empty() ? "" : "{" + labels + "}") + " " + value + "\n";
}

void photos_by_state(std::string& out, const std::vector<RunNow>& runs) {
  begin(out, "photos", "Photos of a run by state.");
  for (const RunNow& one : runs) {
    const StateCounts all = sum(one.counts);
    const std::pair<const char*, std::int64_t> states[] = {{"pending", all.pending},
                                                           {"done", all.done},
                                                           {"unsure", all.unsure},
                                                           {"blurred", all.blurred},
                                                           {"failed", all.failed()}};
    for (const auto& [state, photos] : states) {
      sample(out, "photos", "run=\"" + label(one.run.name) + "\",state=\"" + state + "\"",
             std::to_string(photos));
    }
  }
}

void failures_by_reason(std::string& out, const std::vector<RunNow>& runs) {
  begin(out, "failed_photos", "Failed photos of a run by reason.");
  for (const RunNow& one : runs) {
    const StateCounts all = sum(one.counts);
    for (std::size_t i = 0; i < all.failed_by_reason.size(); ++i) {
      if (all.failed_by_reason[i] == 0) continue;
      const std::string reason(to_string(static_cast<Reason>(i)));
      sample(out, "failed_photos", "run=\"" + label(one.run.name) + "\",reason=\"" + reason + "\"",
             std::to_string(all.failed_by_reason[i]));
    }
  }
}

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
  object["roots"] = json::array();
  for (const RootEntry& one : details.roots) {
    object["roots"].push_back({{"id", one.root_id},
                               {"name", replaced(one.root.name)},
                               {"folder", percent_escaped(one.root.folder)}});
  }
  object["bleu"] = nullptr;
  if (summary.bleu && summary.bleu->photos > 0) {
    const auto scores = bleu(summary.bleu->counts);
    object["bleu"] = {{"photos", summary.bleu->photos}, {"bleu4", 100 * scores[3]}};
  }
  return object;
}

std::string metrics_text(const ArchiveNow& archive) {
  std::string out;
  photos_by_state(out, archive.runs);
  failures_by_reason(out, archive.runs);
  begin(out, "photos_per_second", "Photos that got their result, over the last half minute.");
  for (const RunNow& one : archive.runs) {
    sample(out, "photos_per_second", "run=\"" + label(one.run.name) + "\"",
           json(one.photos_per_s).dump());
  }
  begin(out, "run_control", "1 for what was asked of a run: running, paused or cancelled.");
  for (const RunNow& one : archive.runs) {
    sample(out, "run_control",
           "run=\"" + label(one.run.name) + "\",control=\"" + to_string(one.run.control) + "\"",
           "1");
  }
  begin(out, "caption_edits", "Photos whose caption a person wrote or approved.");
  sample(out, "caption_edits", "action=\"set\"", std::to_string(archive.edited));
  sample(out, "caption_edits", "action=\"approve\"", std::to_string(archive.approved));
  begin(out, "scheduler_up", "1 while a scheduler writes the database.");
  sample(out, "scheduler_up", "", archive.writer ? "1" : "0");
  return out;
}

}  // namespace photoscribe::serve
