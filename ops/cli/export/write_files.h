// write_files: an export that writes beside photos or into them: all photos of a run, a group at a
// time, with a log to undo it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "ops/cli/export/chosen_caption.h"
#include "ops/cli/export/photo_writer.h"
#include "scheduler/run_events.h"

namespace photoscribe::cli {

enum class FileFormat : std::uint8_t { xmp, iptc, text };

struct FilesJob {
  std::string database;
  std::string run;  // empty: the newest
  FileFormat format = FileFormat::xmp;
  bool in_place = false;
  bool dry_run = false;
  bool list = true;                 // with dry_run: a line on standard output for each file
  std::vector<std::string> states;  // empty: all
  std::int64_t limit = 0;           // 0: all
  CaptionChoice choice;
  WriterRules rules;
  std::string undo_log;  // empty: DATABASE.undo-TIME.jsonl
};

/// Photos that were left alone for one reason.
struct Refusals {
  std::int64_t photos = 0;
  std::string example;  // a file
};

struct FilesReport {
  std::int64_t photos = 0;  // considered
  std::int64_t fresh = 0, merged = 0, unchanged = 0, kept = 0;
  std::int64_t kept_descriptions = 0;  // of fresh and merged: a person's description stayed
  std::int64_t without_caption = 0;
  std::map<std::string, Refusals> refused;  // by reason
  std::string undo_log;                     // empty: nothing to undo
  bool stopped = false;
  [[nodiscard]] std::int64_t written() const { return fresh + merged; }
};

/// Ends early when asked to stop, with every file complete. Fails with environment and with the
/// store's errors; everything written by then is in the log.
[[nodiscard]] Expected<FilesReport> write_files(const FilesJob& job, const StopHandle& stop);

/// The summary for a person: several lines.
[[nodiscard]] std::string files_text(const FilesJob& job, const FilesReport& report);
/// One JSON object.
[[nodiscard]] std::string files_json(const FilesJob& job, const FilesReport& report);

struct UndoReport {
  std::int64_t restored = 0, removed = 0;
  std::int64_t untouched = 0;               // as before the export, or gone
  std::map<std::string, Refusals> refused;  // by reason
  bool stopped = false;
};
/// Undoes an export file by file, where the file is still as the export left it.
[[nodiscard]] Expected<UndoReport> undo_files(const std::string& database, const std::string& log,
                                              const StopHandle& stop);
[[nodiscard]] std::string undo_text(const UndoReport& report);

}  // namespace photoscribe::cli
