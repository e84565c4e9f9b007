#include "ops/cli/run/export_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include "common/text/csv.h"
#include "common/text/did_you_mean.h"
#include "common/text/escape.h"
#include "common/text/safe_text.h"
#include "common/text/utf8.h"

namespace photoscribe::cli {
namespace {

/// The shortest text that reads back as the same number.
std::string exact(double value) {
  char buffer[64];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

template <class T>
std::string or_empty(const std::optional<T>& value) {
  if (!value) return {};
  if constexpr (std::is_same_v<T, std::string>) {
    return *value;
  } else if constexpr (std::is_same_v<T, double>) {
    return exact(*value);
  } else {
    return std::to_string(*value);
  }
}

/// The score of one mode; empty where it was not measured.
std::string score_in(const ResultRow& r, BlurMode mode) {
  if (!r.blur_scores || std::isnan(r.blur_scores->of(mode))) return {};
  return exact(r.blur_scores->of(mode));
}

/// "pizza 0.91; stop sign 0.2", with the four decimals that are stored.
std::string concepts(const ResultRow& r) {
  std::string out;
  for (const Concept& one : r.concepts) {
    const double probability = std::round(static_cast<double>(one.probability) * 1e4) / 1e4;
    out += (out.empty() ? "" : "; ") + one.word + " " + exact(probability);
  }
  return out;
}

/// "a dog runs -6.1; a dog plays -7.0": with natural logs of probabilities, as log_prob.
std::string alternatives(const ResultRow& r) {
  std::string out;
  for (const Alternative& one : r.alternatives)
    out += (out.empty() ? "" : "; ") + one.text + " " + exact(one.log_prob);
  return out;
}

struct OwnColumn {
  const char* name;
  std::string (*text)(const ResultRow& row, BlurMode run_mode);
  bool only_asked = false;  // not by default: few runs have it
};

template <BlurMode mode>
std::string own_score(const ResultRow& r, BlurMode /*run_mode*/) {
  return score_in(r, mode);
}

template <int n>
std::string own_bleu(const ResultRow& r, BlurMode /*run_mode*/) {
  return or_empty(r.bleu[n]);
}

template <auto member>
std::string own_text(const ResultRow& r, BlurMode /*run_mode*/) {
  return r.*member;
}

template <auto member>
std::string own_maybe(const ResultRow& r, BlurMode /*run_mode*/) {
  return or_empty(r.*member);
}

template <bool ResultRow::*member>
std::string own_flag(const ResultRow& r, BlurMode /*run_mode*/) {
  return r.*member ? "true" : "";
}

constexpr std::array<OwnColumn, 37> kOwn{{
    {"run", own_text<&ResultRow::run>},
    {"root", own_text<&ResultRow::root>},
    {"uri", own_text<&ResultRow::uri>},
    {"state", own_text<&ResultRow::state>},
    {"reason", own_maybe<&ResultRow::reason>},
    {"blur_score", own_maybe<&ResultRow::blur_score>},
    {"blur_threshold", [](const ResultRow& r, BlurMode) { return exact(r.blur_threshold); }},
    {"caption", own_maybe<&ResultRow::caption>},
    {"log_prob", own_maybe<&ResultRow::log_prob>},
    {"bleu1", own_bleu<0>},
    {"bleu2", own_bleu<1>},
    {"bleu3", own_bleu<2>},
    {"bleu4", own_bleu<3>},
    {"width", own_maybe<&ResultRow::width_px>},
    {"height", own_maybe<&ResultRow::height_px>},
    {"model", own_text<&ResultRow::model>},
    {"worker", own_maybe<&ResultRow::worker>},
    {"finished_at", [](const ResultRow& r, BlurMode) { return iso_time(r.finished_unix_ms); }},
    {"confidence", own_maybe<&ResultRow::confidence>},
    {"concepts", [](const ResultRow& r, BlurMode) { return concepts(r); }},
    {"path", own_text<&ResultRow::path>},
    {"detail", own_maybe<&ResultRow::detail>},
    {"blur_mode", [](const ResultRow& r,
                     BlurMode mode) { return std::string(to_string(blur_mode_of(r, mode))); }},
    {"blur_full", own_score<BlurMode::full>},
    {"blur_normalised", own_score<BlurMode::normalised>},
    {"blur_tile_max", own_score<BlurMode::tile_max>},
    {"blur_edges", own_score<BlurMode::edges>},
    {"blur_learned", own_score<BlurMode::learned>},
    {"sha256", own_maybe<&ResultRow::sha256>},
    {"copied_from", own_maybe<&ResultRow::copied_from>},
    {"hash_distance", own_maybe<&ResultRow::hash_distance>},
    {"vanished", own_flag<&ResultRow::vanished>},
    {"preview", own_flag<&ResultRow::preview>},
    {"edited_caption", own_maybe<&ResultRow::edited_caption>},
    {"edited_by", own_maybe<&ResultRow::edited_by>},
    {"edited_at", [](const ResultRow& r, BlurMode) { return iso_time(r.edited_unix_ms); }},
    {"alternatives", [](const ResultRow& r, BlurMode) { return alternatives(r); }, true},
}};

const OwnColumn* own_column(std::string_view name) {
  const auto at = std::find_if(kOwn.begin(), kOwn.end(),
                               [&](const OwnColumn& one) { return one.name == name; });
  return at == kOwn.end() ? nullptr : &*at;
}

std::string listed(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + shown(name);
  return all;
}

}  // namespace

bool is_formula(std::string_view text) {
  const auto first = text.find_first_not_of(" \"'");
  if (first == std::string_view::npos) return false;
  const std::string_view begins = text.substr(first);
  constexpr std::array<std::string_view, 11> kBegins{"=",  "+",  "-",  "@",  "\t", "\r",
                                                     "\n", "＝", "＋", "－", "＠"};
  if (std::none_of(kBegins.begin(), kBegins.end(),
                   [&](std::string_view one) { return begins.starts_with(one); }))
    return false;
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec != std::errc() || read.ptr != text.data() + text.size();
}

std::string iso_time(const std::optional<std::int64_t>& unix_ms) {
  if (!unix_ms) return {};
  const std::time_t seconds = static_cast<std::time_t>(*unix_ms / 1000);
  std::tm utc{};
  char date[32];
  if (gmtime_r(&seconds, &utc) == nullptr) return {};
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", date, *unix_ms % 1000);
}

BlurMode blur_mode_of(const ResultRow& row, BlurMode run_mode) {
  if (!row.blur_score || !row.blur_scores) return run_mode;
  if (*row.blur_score == row.blur_scores->of(run_mode)) return run_mode;
  for (const BlurMode mode : kBlurModes) {
    if (*row.blur_score == row.blur_scores->of(mode)) return mode;
  }
  return run_mode;
}

std::vector<ExportColumn> own_columns() {
  std::vector<ExportColumn> all;
  for (const OwnColumn& one : kOwn)
    if (!one.only_asked) all.push_back({one.name, one.name, false});
  return all;
}

Expected<std::vector<ExportColumn>> choose_columns(const std::string& names,
                                                   const std::vector<std::string>& kept) {
  constexpr std::string_view kKept = "kept.";
  std::string line = names;
  std::vector<std::string> asked;
  if (!split_csv_record(line, ',', asked, [](std::string&) { return false; }))
    return fail(Errc::usage, "--columns " + shown(names) + ": a quote never closes");
  const auto is_kept = [&](const std::string& name) {
    return std::find(kept.begin(), kept.end(), name) != kept.end();
  };
  std::vector<ExportColumn> chosen;
  for (const std::string& name : asked) {
    const bool plainly_kept = name.starts_with(kKept) && is_kept(name.substr(kKept.size()));
    if (own_column(name) != nullptr) {
      chosen.push_back({name, name, false});
    } else if (plainly_kept || is_kept(name)) {
      chosen.push_back({name, plainly_kept ? name.substr(kKept.size()) : name, true});
    } else {
      std::vector<std::string> ours;
      for (const OwnColumn& one : kOwn) ours.emplace_back(one.name);
      std::vector<std::string> all = kept;
      all.insert(all.end(), ours.begin(), ours.end());
      return fail(Errc::usage, "--columns: no column \"" + shown(name) + "\"" +
                                   shown(did_you_mean(name, all)) +
                                   "; kept of photos: " + (kept.empty() ? "none" : listed(kept)) +
                                   "; ours: " + listed(ours));
    }
  }
  return chosen;
}

std::string text_of(const ExportColumn& column, const ResultRow& row, BlurMode run_mode) {
  if (!column.kept) return own_column(column.source)->text(row, run_mode);
  const auto at = std::find_if(row.kept.begin(), row.kept.end(),
                               [&](const auto& one) { return one.first == column.source; });
  return at == row.kept.end() ? std::string() : at->second;
}

std::string export_field(std::string_view text, const CsvStyle& style) {
  std::string field = style.to_terminal ? shown(text) : replaced(text);
  if (style.safe && is_formula(field)) field.insert(0, 1, '\'');
  std::string quoted = style.safe ? ",\"\r\n;\t" : "\"\r\n";
  quoted += style.delimiter;
  return csv_field(field, quoted);
}

}  // namespace photoscribe::cli
