// undo_log: how to undo an export: one JSON object a line, for every file that it made or changed.
//
// A changed file's line holds the old bytes in place of the new ones, so that the old file can be
// made from the new one. It is applied only to a file that is still as the export left it
// (SHA-256).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"
#include "common/metadata/edit.h"

namespace photoscribe::cli {

struct LoggedChange {
  std::string file;           // absolute, raw bytes
  bool created = false;       // undone by removing it
  bool keep_times = false;    // a photo
  std::string before, after;  // SHA-256 in hex; before: empty for a new file
  metadata::Edits edits;      // from the new file to the old one; unused if it was created
  std::string folder, path;   // of the photo, raw bytes
};

[[nodiscard]] std::string to_line(const LoggedChange& change);
/// Fails with bad_payload.
[[nodiscard]] Expected<LoggedChange> change_from(std::string_view line);

class UndoLog {
 public:
  /// The file is created at the first sync(); it must not exist by then.
  explicit UndoLog(std::string file) : file_(std::move(file)) {}
  void add(const LoggedChange& change) { waiting_ += to_line(change); }
  /// Fails with environment.
  [[nodiscard]] Status sync();
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] bool exists() const { return out_.valid(); }

 private:
  std::string file_;
  std::string waiting_;
  FileDescriptor out_;
};

/// Calls `each` for every change in a log, first to last. An incomplete last line is skipped: that
/// export was killed before it made the change. Fails with usage for a file that is not such a log,
/// and with what `each` returns.
[[nodiscard]] Status for_each_change(const std::string& log,
                                     const std::function<Status(LoggedChange)>& each);

}  // namespace photoscribe::cli
