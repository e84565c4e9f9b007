#include "ops/cli/correct/fixes.h"

#include <fmt/format.h>

#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <utility>

#include "ops/cli/run/export_format.h"

namespace photoscribe::cli {
namespace {

/// Without the ' that `export --csv-safe` puts before what a spreadsheet would compute.
std::string without_guard(const std::string& text) {
  const bool guarded = text.starts_with("'") && is_formula(text.substr(1));
  return guarded ? text.substr(1) : text;
}

/// Whether an `edited_at` is as exported: spreadsheets may have rewritten it.
bool is_iso_time(const std::string& text) { return text.size() == 24 && text.back() == 'Z'; }

bool edited_since(const FixLine& line, const CaptionNow& now) {
  if (!line.edited_at) return false;
  if (!now.edit) return is_iso_time(*line.edited_at);
  const bool intact = line.edited_at->empty() || is_iso_time(*line.edited_at);
  return intact && *line.edited_at != iso_time_of(now.edit->at_unix_ms);
}

/// What the column `caption` asks for.
std::optional<std::string> wanted_caption(const FixLine& line, const CaptionNow& now) {
  if (!line.caption || line.caption->empty()) return std::nullopt;
  const std::string caption = without_guard(*line.caption);
  if (caption == now.shown()) return std::nullopt;
  // An export of the model's own captions, or of unsure ones.
  if (caption == now.original && (line.edited_caption || !now.edit)) return std::nullopt;
  return caption;
}

/// What the column `edited_caption` asks for; "": to remove the edit.
std::optional<std::string> wanted_edit(const FixLine& line, const CaptionNow& now) {
  if (!line.edited_caption) return std::nullopt;
  const std::string caption = without_guard(*line.edited_caption);
  const std::string before = now.edit ? now.edit->caption.value_or("") : "";
  // It was empty when it was exported: nobody emptied it.
  if (caption.empty() && line.edited_at && line.edited_at->empty()) return std::nullopt;
  if (caption == before) return std::nullopt;
  return caption;
}

}  // namespace

Expected<std::vector<FixLine>> read_fixes(const std::string& file) {
  std::ifstream opened;
  if (file != "-") opened.open(file, std::ios::binary);
  std::istream& in = file == "-" ? std::cin : opened;
  const std::string text(std::istreambuf_iterator<char>(in), {});
  if (in.bad() || (file != "-" && !opened.is_open())) {
    return fail(Errc::usage, file + ": cannot be read");
  }
  Expected<std::vector<FixLine>> lines = parse_fixes(text);
  if (!lines) return fail(lines.error().code, file + ": " + lines.error().message);
  return lines;
}

std::string iso_time_of(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm utc{};
  char date[32];
  if (gmtime_r(&seconds, &utc) == nullptr) return {};
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", date, unix_ms % 1000);
}

Expected<std::optional<Fix>> fix_of(const FixLine& line, const CaptionNow& now, bool overwrite) {
  const std::optional<std::string> caption = wanted_caption(line, now);
  const std::optional<std::string> edit = wanted_edit(line, now);
  if (!caption && !edit) return std::nullopt;
  // A person who corrects the column `caption` leaves the other one as it was, often empty.
  if (caption && edit && !edit->empty() && *caption != *edit) {
    return fail(Errc::usage, "caption and edited_caption are both new, and differ");
  }
  if (edited_since(line, now) && !overwrite) {
    return fail(Errc::usage,
                "was edited since this was exported" +
                    (now.edit ? ", by " + now.edit->by : std::string(", and taken back")) +
                    "; export anew, or --overwrite");
  }
  if (!caption && edit->empty()) return Fix{EditAction::unset, ""};
  Expected<std::string> text = checked_caption(caption ? *caption : *edit);
  if (!text) return fail(text.error());
  return Fix{EditAction::set, std::move(*text)};
}

Expected<FixPlan> plan_fixes(Edits& edits, const std::vector<FixLine>& lines, bool overwrite) {
  FixPlan plan;
  plan.lines = static_cast<std::int64_t>(lines.size());
  std::multimap<std::int64_t, std::string> all_wrong;  // by line
  const auto wrong = [&all_wrong](const FixLine& line, const std::string& why) {
    all_wrong.emplace(line.line, "line " + std::to_string(line.line) + ": " + why);
  };
  std::vector<const FixLine*> understood;
  std::vector<Edits::Named> names;
  for (const FixLine& line : lines) {
    if (!line.wrong.empty()) {
      wrong(line, line.wrong);
      continue;
    }
    understood.push_back(&line);
    names.push_back(line.photo);
  }
  const auto photos = edits.find_each(names);
  if (!photos) return fail(photos.error());
  std::vector<PhotoAt> found;
  std::vector<const FixLine*> of_found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!(*photos)[i]) {
      wrong(*understood[i], (*photos)[i].error().message);
      continue;
    }
    found.push_back(*(*photos)[i]);
    of_found.push_back(understood[i]);
  }
  const Expected<std::vector<CaptionNow>> now = edits.now(found);
  if (!now) return fail(now.error());
  std::map<std::pair<std::int64_t, std::string>, std::pair<std::int64_t, Fix>> seen;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const FixLine& line = *of_found[i];
    const Expected<std::optional<Fix>> fix = fix_of(line, (*now)[i], overwrite);
    if (!fix) {
      wrong(line, found[i].uri + ": " + fix.error().message);
      continue;
    }
    if (!*fix) {
      ++plan.unchanged;
      continue;
    }
    const auto [first, is_new] =
        seen.try_emplace({found[i].root_id, found[i].path}, line.line, **fix);
    if (!is_new) {
      if (first->second.second != **fix) {
        wrong(line, found[i].uri + ": line " + std::to_string(first->second.first) +
                        " gives another caption");
      }
      continue;
    }
    plan.changes.push_back({{found[i], (*fix)->action, (*fix)->caption}, (*now)[i].shown()});
  }
  for (auto& [line, why] : all_wrong) plan.wrong.push_back(std::move(why));
  return plan;
}

}  // namespace photoscribe::cli
