// The summary of an export of files.
#include <nlohmann/json.hpp>

#include "common/text/escape.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "common/text/utf8.h"
#include "ops/cli/export/write_files.h"

namespace photoscribe::cli {
namespace {

std::string line(const std::string& name, std::int64_t number, const std::string& remark) {
  const std::string figure = grouped(number);
  return "  " + name + std::string(12 - std::min<std::size_t>(12, name.size()), ' ') +
         std::string(10 - std::min<std::size_t>(10, figure.size()), ' ') + figure +
         (remark.empty() ? "" : "   " + remark) + "\n";
}

std::string refused_text(const std::map<std::string, Refusals>& refused) {
  std::string out;
  for (const auto& [reason, some] : refused)
    out += line("left alone", some.photos, reason + " (" + shown(some.example) + ")");
  return out;
}

nlohmann::ordered_json refused_json(const std::map<std::string, Refusals>& refused) {
  auto all = nlohmann::ordered_json::array();
  for (const auto& [reason, some] : refused) {
    all.push_back({{"reason", replaced(reason)},
                   {"photos", some.photos},
                   {"example", replaced(some.example)}});
  }
  return all;
}

std::string what_was_written(const FilesJob& job) {
  if (job.in_place) return "photo";
  return job.format == FileFormat::xmp ? "sidecar" : "text file";
}

}  // namespace

std::string files_text(const FilesJob& job, const FilesReport& report) {
  std::string out = std::string(job.dry_run ? "Would write " : "Wrote ") +
                    counted(report.written(), what_was_written(job)) + ".\n\n";
  out += line("new", report.fresh, "");
  if (report.merged > 0) out += line("merged", report.merged, "with what was there");
  if (report.kept_descriptions > 0)
    out += line("of these", report.kept_descriptions,
                "with a person's description, which was kept; --overwrite replaces it");
  if (report.unchanged > 0) out += line("unchanged", report.unchanged, "have it already");
  if (report.kept > 0)
    out += line("kept", report.kept, "have somebody else's text; --overwrite replaces it");
  if (report.without_caption > 0)
    out += line("no caption", report.without_caption, "blurred, unsure, failed, to do, or gone");
  out += refused_text(report.refused);
  if (!report.undo_log.empty())
    out += "\nTo undo: photoscribe export " + shell_quoted(job.database) + " --undo " +
           shell_quoted(report.undo_log) + "\n";
  return out;
}

std::string files_json(const FilesJob& job, const FilesReport& report) {
  nlohmann::ordered_json object{{"dry_run", job.dry_run},
                                {"photos", report.photos},
                                {"new", report.fresh},
                                {"merged", report.merged},
                                {"kept_descriptions", report.kept_descriptions},
                                {"unchanged", report.unchanged},
                                {"kept", report.kept},
                                {"no_caption", report.without_caption},
                                {"left_alone", refused_json(report.refused)},
                                {"stopped", report.stopped}};
  object["undo_log"] = report.undo_log.empty() ? nlohmann::ordered_json(nullptr)
                                               : nlohmann::ordered_json(replaced(report.undo_log));
  return object.dump() + "\n";
}

std::string undo_text(const UndoReport& report) {
  std::string out = "Undone: " + counted(report.restored, "file") + " restored, " +
                    grouped(report.removed) + " removed.\n";
  if (report.untouched > 0) out += line("untouched", report.untouched, "as before, or gone");
  return out + refused_text(report.refused);
}

}  // namespace photoscribe::cli
