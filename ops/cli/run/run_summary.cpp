#include "ops/cli/run/run_summary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>

#include "common/archive/archive_kind.h"
#include "common/text/base64.h"
#include "common/text/escape.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "common/text/utf8.h"
#include "ops/cli/terminal/exit_status.h"
#include "scheduler/control/control.h"
#include "scheduler/run/on_finish.h"

namespace photoscribe::cli {
namespace {

std::string padded_left(const std::string& text, std::size_t width) {
  const std::size_t wide = columns(text);
  return std::string(wide < width ? width - wide : 0, ' ') + text;
}

std::string padded_right(const std::string& text, std::size_t width) {
  const std::size_t wide = columns(text);
  return text + std::string(wide < width ? width - wide : 0, ' ');
}

std::string number_text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", value);
  return buffer;
}

using Flags = std::span<const std::string_view>;
constexpr std::string_view kOnce[] = {"--dry-run", "--redo", "--retry-failed"};
constexpr std::string_view kDry[] = {"--dry-run"};

/// The command as typed, with `more` and without the flags in `once`, which are for one call only.
std::string again_with(const std::vector<std::string>& command, const std::string& more,
                       Flags once = kOnce) {
  std::string text, dropped;
  bool is_photo = false;  // after a `--` everything is a photo
  for (std::size_t i = 2; i < command.size(); ++i) {
    if (!is_photo && std::find(once.begin(), once.end(), command[i]) != once.end()) {
      if (command[i] != more) dropped += " " + command[i];
      continue;
    }
    is_photo = is_photo || command[i] == "--";
    text.append(" ").append(shell_quoted(command[i]));
  }
  if (columns(text) <= 160) {
    return std::string("photoscribe run").append(more.empty() ? "" : " ").append(more).append(text);
  }
  return "the same command" + (more.empty() ? "" : " with " + more) +
         (dropped.empty() ? "" : " without" + dropped);
}

std::string headline(const RunSummary& s, const Ink& ink) {
  const std::string photos = counted(s.total, "photo");
  const std::string where =
      " in " + shown(s.database) + (s.run == "default" ? "" : ", run " + shown(s.run));
  if (s.dry_run) return ink.bold("A dry run: nothing was written or started.") + "\n";
  if (s.end == RunEnd::killed) {
    return ink.red("Stopped at once") + ": " + grouped(s.pending) + " of " + photos +
           " still to do" + where + "; nothing recorded is lost.\n";
  }
  if (s.end == RunEnd::paused) {
    return ink.yellow("Paused") + ": " + grouped(s.pending) + " of " + photos + " to do" + where +
           "; nothing was started.\n";
  }
  if (s.end == RunEnd::cancelled) {
    return ink.yellow("Cancelled") + ": " + grouped(s.pending) + " of " + photos +
           " will not be done" + where + "; what is recorded stays.\n";
  }
  if (s.end == RunEnd::stopped) {
    return ink.yellow("Stopped") + ": " + grouped(s.pending) + " of " + photos + " still to do" +
           where + ".\n";
  }
  if (s.end == RunEnd::incomplete) {
    return ink.yellow("Done, except for what could not be read") + ": " + photos + where + ".\n";
  }
  if (s.nothing_to_do) return ink.green("Nothing was left to do") + ": " + photos + where + ".\n";
  return ink.green("Done") + ": " + photos + where + ".\n";
}

std::string count_lines(const RunSummary& s, const BlurSettings& blur, const Ink& ink) {
  const std::string total = grouped(s.total);
  const auto line = [&](const char* name, std::int64_t count, const std::string& remark) {
    return "  " + padded_right(name, 12) + padded_left(grouped(count), total.size()) +
           (remark.empty() ? "" : "   " + ink.dim(remark)) + "\n";
  };
  const auto now = [&](std::int64_t count, std::int64_t all) {
    return count == all || s.nothing_to_do || s.dry_run ? std::string()
                                                        : grouped(count) + " in this call";
  };
  const std::string threshold = std::string(to_string(blur.mode)) + " score below " +
                                number_text(blur.blur_threshold) + ", no caption";
  const std::string blurred_now = now(s.blurred_now, s.blurred);
  std::string out = "\n" + line("captioned", s.done, now(s.done_now, s.done));
  if (s.unsure > 0) {
    const std::string unsure_now = now(s.unsure_now, s.unsure);
    out += line("unsure", s.unsure,
                "right with a probability below " + number_text(s.min_confidence) +
                    ": caption kept, not shown" + (unsure_now.empty() ? "" : "; " + unsure_now));
  }
  out +=
      line("blurred", s.blurred, blurred_now.empty() ? threshold : threshold + "; " + blurred_now) +
      line("failed", s.failed, now(s.failed_now, s.failed));
  if (s.pending > 0) out += line("to do", s.pending, "");
  std::string changes;
  const auto change = [&](std::int64_t count, const char* what) {
    if (count > 0) changes += (changes.empty() ? "" : ", ") + grouped(count) + " " + what;
  };
  if (s.added < s.total) change(s.added, "new");
  change(s.changed, "changed since");
  change(s.vanished, "vanished (their rows stay)");
  change(s.retried, "tried again");
  change(s.redone, "to be processed again");
  change(s.reused, "reused from another run, unread");
  if (!changes.empty()) out += "  " + changes + "\n";
  const auto shared = [&](std::int64_t count, const char* what) {
    if (count > 0) out.append("  ").append(grouped(count)).append(what);
  };
  shared(s.equal_photos, " identical to another photo: its result\n");
  shared(s.near_duplicates, " similar to another photo: its caption\n");
  return out;
}

std::string failure_lines(const RunSummary& s) {
  if (s.failures.empty()) return {};
  std::size_t name_width = 0, count_width = 0;
  for (const FailureCount& f : s.failures) {
    name_width = std::max(name_width, f.reason.size());
    count_width = std::max(count_width, grouped(f.count).size());
  }
  std::string out = "\nWhy photos failed, with an example each:\n";
  for (const FailureCount& f : s.failures) {
    out += "  " + padded_right(f.reason, name_width) + "  " +
           padded_left(grouped(f.count), count_width) + "   " + cut_start(shown(f.example), 70);
    if (!f.detail.empty()) out += ": " + cut_end(shown(f.detail), 100);
    if (!f.formats.empty())
      out += "\n" + std::string(name_width + count_width + 6, ' ') + formats_text(f.formats);
    out += "\n";
  }
  return out;
}

std::string not_seen_lines(const RunSummary& s) {
  if (s.not_seen_count == 0) return {};
  constexpr std::size_t kNamed = 10;
  std::string out = "\nNot looked at: " + grouped(s.not_seen_count) +
                    " (what the run already has of it is unchanged)\n";
  std::int64_t named = 0;
  for (std::size_t i = 0; i < std::min(s.not_seen.size(), kNamed); ++i) {
    out += "  " + cut_start(shown(s.not_seen[i].path), 70) + ": " + shown(s.not_seen[i].why) + "\n";
    named += s.not_seen[i].count;
  }
  if (named < s.not_seen_count) out += "  … and " + grouped(s.not_seen_count - named) + " more\n";
  return out;
}

std::string skipped_lines(const RunSummary& s) {
  if (s.skipped.empty()) return {};
  std::int64_t files = 0;
  for (const auto& [extension, count] : s.skipped) files += count;
  std::string out = "\nSkipped, not photos by their names: " + counted(files, "file") + " (";
  constexpr std::size_t kNamed = 8;
  for (std::size_t i = 0; i < std::min(s.skipped.size(), kNamed); ++i) {
    const auto& [extension, count] = s.skipped[i];
    out += (i == 0 ? "" : ", ") + (extension.empty() ? "no extension" : shown(extension)) + " " +
           grouped(count);
  }
  if (s.skipped.size() > kNamed) {
    out += ", and " + counted(static_cast<std::int64_t>(s.skipped.size() - kNamed), "more kind");
  }
  const bool archives = std::any_of(s.skipped.begin(), s.skipped.end(), [](const auto& one) {
    return has_archive_extension("x" + one.first) || has_archive_extension("x.tar" + one.first);
  });
  return out + "); --all-files takes them too" +
         (archives ? ", --archives looks into tars and zips" : "") + "\n";
}

std::string note_lines(const RunSummary& s) {
  constexpr std::size_t kNotes = 10;
  std::string out = s.notes.empty() ? "" : "\nTo note:\n";
  for (std::size_t i = 0; i < std::min(s.notes.size(), kNotes); ++i) {
    out += "  " + shown(s.notes[i]) + "\n";
  }
  if (s.notes.size() > kNotes) {
    out += "  … and " + counted(static_cast<std::int64_t>(s.notes.size() - kNotes), "more note") +
           "; `photoscribe status` has the events\n";
  }
  return out;
}

std::string bleu_lines(const RunSummary& s) {
  if (!s.bleu) return {};
  const BleuSummary& b = *s.bleu;
  if (b.photos == 0) return "\nBLEU: no captioned photo has references.\n";
  std::string out = "\n";
  for (int n = 0; n < 4; ++n) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%sBLEU-%d %.1f", n == 0 ? "" : "   ", n + 1,
                  100 * b.bleu[n]);
    out += buffer;
  }
  out += "   over " + counted(b.photos, "captioned photo") + "\n";
  if (b.without_references > 0) {
    out += "  " + counted(b.without_references, "captioned photo") + " without references\n";
  }
  return out +
         "  (corpus scores of 100, as coco-caption counts; unsure, blurred and failed photos left "
         "out)\n";
}

std::string pace_lines(const RunSummary& s) {
  if (s.nothing_to_do || s.dry_run || s.end == RunEnd::paused) return {};
  const std::int64_t now = s.finished_now();
  std::string out = "\n" + counted(now, "photo") + " in " + duration_text(s.wall_s);
  if (s.photos_per_s > 0) {
    out += ", " + rate_text(s.photos_per_s) + " photos/s";
    if (s.wall_s - s.captioning_s > 0.1 * s.wall_s) {
      out += " over the " + duration_text(s.captioning_s) + " of captioning";
    }
  }
  if (s.workers_peak_bytes > 0) {
    out += "; peak memory " + bytes_text(s.workers_peak_bytes) + " workers, " +
           bytes_text(s.scheduler_peak_bytes) + " scheduler";
    if (s.redis_peak_bytes > 0) out += ", " + bytes_text(s.redis_peak_bytes) + " Redis";
  }
  if (s.work.photos > 0) {
    out += "; " + grouped(std::llround(s.work.photos_per_core_hour())) + " photos per core-hour";
  }
  out += "\n";
  if (s.worker_restarts > 0) {
    out +=
        counted(s.worker_restarts, "worker restart") + "; logs in " + shown(s.state_folder) + "\n";
  }
  return out;
}

/// Whether the cause of the failure may be gone by now. The other reasons are in the photo itself,
/// so another attempt would fail again.
bool may_change(std::string_view reason) {
  constexpr std::array kMayChange{"missing",       "unreadable",     "timeout",  "model_failure",
                                  "device_memory", "crashed_worker", "http_403", "http_404",
                                  "http_5xx",      "http_other",     "dns",      "tls",
                                  "too_slow"};
  return std::find(kMayChange.begin(), kMayChange.end(), reason) != kMayChange.end();
}

/// How to make another attempt, if one may help.
std::string retry_line(const RunSummary& s, const std::vector<std::string>& command) {
  std::string reasons;
  std::int64_t photos = 0;
  for (const FailureCount& failure : s.failures) {
    if (!may_change(failure.reason)) continue;
    reasons += (reasons.empty() ? "" : ",") + failure.reason;
    photos += failure.count;
  }
  if (photos == 0 || s.pending > 0) return {};
  if (photos == s.failed)
    return "  " + again_with(command, "--retry-failed") + "   # retries the failed ones\n";
  const std::string run = s.run == "default" ? "" : " --run " + shell_quoted(s.run);
  return "  photoscribe retry " + shell_quoted(s.database) + run + " --reason " + reasons +
         "   # the cause may be gone by now; then the same command\n";
}

std::string next_lines(const RunSummary& s, const std::vector<std::string>& command) {
  const std::string database = shell_quoted(s.database);
  const std::string run = s.run == "default" ? "" : " --run " + shell_quoted(s.run);
  std::string out = "\nNext:\n";
  if (s.dry_run) return out + "  " + again_with(command, "", kDry) + "\n";
  if (s.pending > 0 && s.control == RunControl::paused) {
    out += "  photoscribe resume " + database + run + "   # it is paused; then:\n";
  }
  if (s.pending > 0) {
    out += "  " + again_with(command, "") +
           (s.end == RunEnd::cancelled ? "   # resumes it\n" : "   # resumes where it stopped\n");
  }
  if (s.done + s.unsure + s.blurred + s.failed > 0) {
    out += "  photoscribe export " + database + run + "   # a table; --format csv, jsonl, coco\n";
  }
  if (s.unsure > 0) {
    out += "  photoscribe export " + database + run +
           " --state unsure   # the captions that are kept and not shown\n";
  }
  if (s.bleu && s.pending == 0) {
    out += "  photoscribe report " + database + run +
           " --html report.html   # intervals, charts, best and worst photos\n";
  }
  return out + retry_line(s, command) + "  photoscribe status " + database + "\n";
}

/// A name as JSON: text, and also its bytes if they are not UTF-8.
void put_name(nlohmann::json& object, const std::string& key, const std::string& bytes) {
  object[key] = replaced(bytes);
  if (!is_valid_utf8(bytes)) object[key + "_base64"] = base64(bytes);
}

}  // namespace

int exit_status_of(const RunSummary& summary) {
  if (summary.end == RunEnd::killed) return kExitKilled;
  if (summary.end == RunEnd::incomplete) return kExitFailedPhotos;
  if (summary.end != RunEnd::complete) return kExitStopped;
  return summary.failed > 0 && !summary.dry_run ? kExitFailedPhotos : kExitDone;
}

std::string summary_text(const RunSummary& summary, const BlurSettings& blur,
                         const std::vector<std::string>& command, const Ink& ink) {
  return headline(summary, ink) + count_lines(summary, blur, ink) + failure_lines(summary) +
         not_seen_lines(summary) + skipped_lines(summary) + note_lines(summary) +
         bleu_lines(summary) + pace_lines(summary) + next_lines(summary, command);
}

std::string summary_json(const RunSummary& s, const BlurSettings& blur, int exit_status) {
  using nlohmann::json;
  json object{{"end", to_string(s.end)},
              {"control", to_string(s.control)},
              {"exit_status", exit_status},
              {"dry_run", s.dry_run},
              {"nothing_to_do", s.nothing_to_do},
              {"total", s.total},
              {"done", s.done},
              {"unsure", s.unsure},
              {"blurred", s.blurred},
              {"failed", s.failed},
              {"pending", s.pending},
              {"done_now", s.done_now},
              {"unsure_now", s.unsure_now},
              {"blurred_now", s.blurred_now},
              {"failed_now", s.failed_now},
              {"added", s.added},
              {"changed", s.changed},
              {"vanished", s.vanished},
              {"retried", s.retried},
              {"redone", s.redone},
              {"reused", s.reused},
              {"equal_photos", s.equal_photos},
              {"near_duplicates", s.near_duplicates},
              {"failures", json::array()},
              {"skipped", json::object()},
              {"notes", json::array()},
              {"blur_mode", to_string(blur.mode)},
              {"blur_threshold", blur.blur_threshold},
              {"min_confidence", s.min_confidence},
              {"wall_s", s.wall_s},
              {"captioning_s", s.captioning_s},
              {"photos_per_s", s.photos_per_s},
              {"workers_cpu_s", s.work.cpu_s},
              {"photos_per_core_hour", s.work.photos_per_core_hour()},
              {"worker_restarts", s.worker_restarts},
              {"workers_peak_bytes", s.workers_peak_bytes},
              {"scheduler_peak_bytes", s.scheduler_peak_bytes},
              {"redis_peak_bytes", s.redis_peak_bytes}};
  object["finish_unix_s"] = nullptr;
  if (s.finish_unix_s) object["finish_unix_s"] = *s.finish_unix_s;
  put_name(object, "run", s.run);
  put_name(object, "database", s.database);
  put_name(object, "state_folder", s.state_folder);
  for (const FailureCount& f : s.failures) {
    json failure{{"reason", f.reason}, {"count", f.count}, {"detail", replaced(f.detail)}};
    put_name(failure, "example", f.example);
    for (const auto& [format, count] : f.formats) failure["formats"][replaced(format)] = count;
    object["failures"].push_back(std::move(failure));
  }
  object["not_seen"] = {{"count", s.not_seen_count}, {"examples", json::array()}};
  for (const NotSeen& one : s.not_seen) {
    json example{{"why", replaced(one.why)}, {"count", one.count}};
    put_name(example, "path", one.path);
    object["not_seen"]["examples"].push_back(std::move(example));
  }
  for (const auto& [extension, count] : s.skipped) object["skipped"][replaced(extension)] = count;
  for (const std::string& note : s.notes) object["notes"].push_back(replaced(note));
  if (s.bleu) {
    json bleu{{"photos", s.bleu->photos}, {"without_references", s.bleu->without_references}};
    for (int n = 0; n < 4; ++n) bleu["bleu" + std::to_string(n + 1)] = 100 * s.bleu->bleu[n];
    object["bleu"] = std::move(bleu);
  }
  return object.dump() + "\n";
}

}  // namespace photoscribe::cli
