#include "ops/report/tables.h"

#include <cmath>
#include <cstdio>

#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"

namespace photoscribe::report {
namespace {

using nlohmann::json;

std::string interval_text(const Interval& interval) {
  return percent(interval.low) + "–" + percent(interval.high);
}

/// A cell of a Markdown table.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : shown(text)) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

std::string score_line(const ScoreLine& line) {
  std::string row = "| " + line.name + " | " + grouped(line.photos);
  for (std::size_t n = 0; n < 4; ++n) {
    row += " | " + percent(line.score.bleu[n]) + " (" + interval_text(line.intervals.bleu[n]) + ")";
  }
  return row + " | " + percent(line.score.rouge_l) + " (" + interval_text(line.intervals.rouge_l) +
         ") | " + percent(line.score.cider_d) + " (" + interval_text(line.intervals.cider_d) +
         ") | " + percent(line.chair.chair_s) + " (" + interval_text(line.chair_intervals.chair_s) +
         ") | " + percent(line.chair.chair_i) + " (" + interval_text(line.chair_intervals.chair_i) +
         ") | " +
         (line.chair_counts.main > 0
              ? percent(line.chair.recall) + " (" + interval_text(line.chair_intervals.recall) + ")"
              : "–") +
         " |\n";
}

std::string published_rows() {
  std::string rows;
  for (const PublishedScore& other : published_scores()) {
    rows += std::string("| *") + other.name + "* | ";
    for (const double score : other.bleu) {
      rows += " | " + (score > 0 ? fixed(score, 1) : "–");
    }
    rows += " | – | – | – | – | – |\n";
  }
  return rows;
}

std::string scores_text(const Evaluation& evaluation) {
  std::string out =
      "## Scores\n\n| | photos | BLEU-1 | BLEU-2 | BLEU-3 | BLEU-4 | ROUGE-L | CIDEr-D | "
      "CHAIRs | CHAIRi | recall |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n" +
      score_line(evaluation.clear) +
      (evaluation.with_unsure ? score_line(*evaluation.with_unsure) : "") +
      score_line(evaluation.all) + published_rows() +
      "\nOf 100, with 95 % intervals by bootstrap over photos. An unsure, blurred or failed photo "
      "counts as an empty caption among all photos. Rows in italics are published results on "
      "Flickr8k's test split. " +
      kChairNote + "\n\nSignatures: `" + evaluation.clear.signature + "`, `" +
      evaluation.all.signature + "`\n\n" + kAbsentScores + "\n";
  if (!evaluation.against) return out;
  const AgainstRun& other = *evaluation.against;
  out += "\n## Against run " + cell(other.run) + "\n\n| | this run | " + cell(other.run) +
         " | difference | p |\n| --- | --- | --- | --- | --- |\n";
  const auto row = [&out](const std::string& name, const Comparison& c) {
    out += "| " + name + " | " + percent(c.a) + " | " + percent(c.b) + " | " +
           percent(c.difference) + " (" + interval_text(c.interval) + ") | " + p_value(c.p) +
           " |\n";
  };
  for (std::size_t n = 0; n < 4; ++n) {
    row("BLEU-" + std::to_string(n + 1), other.scores.bleu[n]);
  }
  row("ROUGE-L", other.scores.rouge_l);
  row("CIDEr-D", other.scores.cider_d);
  return out + "\nThe same " + grouped(other.photos) +
         " photos in both, paired bootstrap, two-sided p.\n";
}

json interval_json(const Interval& interval) { return {interval.low, interval.high}; }

json chair_json(const ScoreLine& line) {
  const ChairCounts& counts = line.chair_counts;
  return {{"chair_s", line.chair.chair_s},
          {"chair_i", line.chair.chair_i},
          {"recall", counts.main > 0 ? json(line.chair.recall) : json()},
          {"captions_hallucinating", counts.captions_hallucinating},
          {"named", counts.named},
          {"hallucinated", counts.hallucinated},
          {"main", counts.main},
          {"main_named", counts.main_named},
          {"intervals",
           {{"chair_s", interval_json(line.chair_intervals.chair_s)},
            {"chair_i", interval_json(line.chair_intervals.chair_i)},
            {"recall", counts.main > 0 ? interval_json(line.chair_intervals.recall) : json()}}}};
}

json line_json(const ScoreLine& line) {
  json bleu = json::array(), intervals = json::array();
  for (std::size_t n = 0; n < 4; ++n) {
    bleu.push_back(line.score.bleu[n]);
    intervals.push_back(interval_json(line.intervals.bleu[n]));
  }
  return {{"signature", line.signature},
          {"photos", line.photos},
          {"bleu", bleu},
          {"rouge_l", line.score.rouge_l},
          {"cider_d", line.score.cider_d},
          {"chair", chair_json(line)},
          {"intervals",
           {{"bleu", intervals},
            {"rouge_l", interval_json(line.intervals.rouge_l)},
            {"cider_d", interval_json(line.intervals.cider_d)}}}};
}

/// Empty if the captions have no confidence.
std::string precision_text(const Evaluation& e) {
  if (e.precision.empty()) return {};
  std::string out = "\n## What may be shown\n\n| confidence from |", rule = "| --- |";
  for (const PrecisionCurve& curve : e.precision) {
    out += " " + cell(curve.name) + " |";
    rule += " --- |";
  }
  out += "\n" + rule + "\n";
  for (std::size_t i = 0; i < e.precision.front().points.size(); ++i) {
    out += "| " + plain(e.precision.front().points[i].min_confidence) + " |";
    for (const PrecisionCurve& curve : e.precision) {
      out +=
          " " + percent(curve.points[i].precision) + " (" + percent(curve.points[i].share) + ") |";
    }
    out += "\n";
  }
  return out +
         "\nShare, of 100, of the captions shown that name nothing false, when those of less "
         "confidence are kept back; in brackets the share that is shown.\n";
}

json precision_json(const std::vector<PrecisionCurve>& curves) {
  json all = json::array();
  for (const PrecisionCurve& curve : curves) {
    json points = json::array();
    for (const ShownPoint& point : curve.points) {
      points.push_back({{"min_confidence", point.min_confidence},
                        {"share", point.share},
                        {"precision", point.precision}});
    }
    all.push_back(
        {{"name", replaced(curve.name)}, {"captions", curve.captions}, {"points", points}});
  }
  return all;
}

json histogram_json(const Histogram& histogram) {
  return {{"from", histogram.from},
          {"bin_width", histogram.width},
          {"log10", histogram.log10},
          {"counts", histogram.counts}};
}

json against_json(const AgainstRun& other) {
  const auto one = [](const Comparison& c) {
    return json{{"a", c.a},
                {"b", c.b},
                {"difference", c.difference},
                {"interval", interval_json(c.interval)},
                {"p", c.p}};
  };
  json bleu = json::array();
  for (const Comparison& c : other.scores.bleu) bleu.push_back(one(c));
  return {{"run", replaced(other.run)},
          {"photos", other.photos},
          {"bleu", bleu},
          {"rouge_l", one(other.scores.rouge_l)},
          {"cider_d", one(other.scores.cider_d)}};
}

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json photo_json(const GalleryPhoto& photo) {
  json references = json::array();
  for (const std::string& caption : photo.references) references.push_back(replaced(caption));
  return {{"galleries", photo.galleries},
          {"uri", replaced(photo.uri)},
          {"state", photo.state},
          {"blur_score", photo.blur_score},
          {"width", photo.width_px},
          {"height", photo.height_px},
          {"caption", photo.caption ? json(replaced(*photo.caption)) : json()},
          {"edited_caption", photo.edited ? json(replaced(*photo.edited)) : json()},
          {"confidence", or_null(photo.confidence)},
          {"bleu", or_null(photo.bleu)},
          {"rouge_l", or_null(photo.rouge_l)},
          {"cider_d", or_null(photo.cider_d)},
          {"references", references}};
}

json settings_json(const RunSettings& s) {
  return {{"model", s.model_name},
          {"model_hash", s.model_hash},
          {"beam", s.search.beam},
          {"length_alpha", s.search.length_alpha},
          {"tokens_max", s.search.tokens_max},
          {"blur_mode", to_string(s.blur.mode)},
          {"blur_threshold", s.blur.blur_threshold},
          {"min_confidence", s.min_confidence}};
}

std::string core_hour_text(const WorkDone& work) {
  if (work.photos == 0) return {};
  return ", " + grouped(std::llround(work.photos_per_core_hour())) + " photos per core-hour";
}

}  // namespace

std::string p_value(double p) {
  if (p < 0.001) return "< 0.001";
  return fixed(p, 3);
}

std::string percent(double score) { return fixed(100 * score, 1); }

std::string markdown(const Report& r) {
  const StateCounts& counts = r.summary.counts.asked;
  const RunSettings& s = r.summary.run.settings;
  std::string out =
      "# Run " + cell(r.summary.run.name) + " of " + cell(r.database) + "\n\n" +
      counted(counts.total(), "photo") + ": " + grouped(counts.done) + " captioned, " +
      (counts.unsure > 0 ? grouped(counts.unsure) + " unsure, " : "") + grouped(counts.blurred) +
      " blurred, " + grouped(counts.failed()) + " failed, " + grouped(counts.pending) +
      " to do. Model " + cell(s.model_name) + " " + s.model_hash.substr(0, 12) + ", beam " +
      std::to_string(s.search.beam) + ", blurred below " + plain(s.blur.blur_threshold) +
      " in mode " + std::string(to_string(s.blur.mode)) + ".\n\n";
  if (r.evaluation) out += scores_text(*r.evaluation) + precision_text(*r.evaluation) + "\n";
  if (!r.summary.failures.empty()) {
    out += "## Failures\n\n| reason | photos | example |\n| --- | --- | --- |\n";
    for (const FailureGroup& group : r.summary.failures) {
      out += "| " + std::string(to_string(group.reason)) + " | " + grouped(group.images) + " | " +
             cell(group.example_uri) + ": " + cell(group.example_detail) + " |\n";
    }
    out += "\n";
  }
  if (r.pace.active_s > 0) {
    out += grouped(r.pace.photos) + " photos in " + duration_text(r.pace.active_s) + ", " +
           rate_text(static_cast<double>(r.pace.photos) / r.pace.active_s) + " photos/s" +
           core_hour_text(r.summary.work) + ".\n";
  }
  return out;
}

json to_json(const Reliability& r) {
  json bins = json::array();
  for (const ReliabilityBin& bin : r.bins) {
    bins.push_back({{"predicted", bin.predicted}, {"good", bin.good}, {"captions", bin.captions}});
  }
  return {{"captions", r.captions}, {"share_good", r.share_good},
          {"auc", r.auc},           {"brier", r.brier},
          {"ece", r.ece},           {"bins", bins}};
}

json to_json(const Report& r) {
  const StateCounts& counts = r.summary.counts.asked;
  json object{
      {"photoscribe", r.version},
      {"made_at", r.made_at},
      {"database", replaced(r.database)},
      {"run", r.summary.run.name},
      {"settings", settings_json(r.summary.run.settings)},
      {"counts",
       {{"photos", counts.total()},
        {"done", counts.done},
        {"unsure", counts.unsure},
        {"blurred", counts.blurred},
        {"failed", counts.failed()},
        {"pending", counts.pending},
        {"vanished", r.summary.counts.vanished}}},
      {"failures", json::array()},
      {"histograms",
       {{"blur_score", histogram_json(r.blur)}, {"caption_tokens", histogram_json(r.length)}}},
      {"pace",
       {{"bin_s", r.pace.bin_s},
        {"photos", r.pace.counts},
        {"pauses_before_bin", r.pace.pauses},
        {"active_s", r.pace.active_s}}},
      {"stages",
       {{"photos", r.stages.photos},
        {"read_ms", r.stages.read_ms},
        {"decode_ms", r.stages.decode_ms},
        {"caption_ms", r.stages.caption_ms}}},
      {"work",
       {{"photos", r.summary.work.photos},
        {"workers_cpu_s", r.summary.work.cpu_s},
        {"photos_per_core_hour", r.summary.work.photos_per_core_hour()}}},
      {"gallery", json::array()}};
  for (const FailureGroup& group : r.summary.failures) {
    object["failures"].push_back({{"reason", to_string(group.reason)},
                                  {"photos", group.images},
                                  {"example", replaced(group.example_uri)},
                                  {"detail", replaced(group.example_detail)}});
  }
  for (const GalleryPhoto& photo : r.gallery) object["gallery"].push_back(photo_json(photo));
  if (r.evaluation) {
    const Evaluation& e = *r.evaluation;
    object["scores"] = {
        {"all", line_json(e.all)}, {"clear", line_json(e.clear)}, {"references", e.references}};
    if (e.with_unsure) object["scores"]["with_unsure"] = line_json(*e.with_unsure);
    object["histograms"]["bleu4"] = histogram_json(e.bleu4);
    if (e.reliability) {
      object["scores"]["confidence"] = to_json(*e.reliability);
      object["scores"]["precision"] = precision_json(e.precision);
    }
    if (e.against) object["against"] = against_json(*e.against);
    object["published"] = json::array();
    for (const PublishedScore& other : published_scores()) {
      object["published"].push_back(
          {{"name", other.name}, {"bleu", other.bleu}, {"source", other.source}});
    }
  }
  return object;
}

}  // namespace photoscribe::report
