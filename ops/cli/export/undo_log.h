// undo_log: how to take an export back: one JSON object a line, for every file that it made or
// changed.
//
// A changed file's line holds what stood where the new bytes stand, so that the old file is made of
// the new one; it is used only on a file that is still what the export left (SHA-256).
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
  metadata::Edits edits;      // of the new file, back to the old one; unused if it was created
  std::string folder, path;   // of the photo, raw bytes
};

[[nodiscard]] std::string to_line(const LoggedChange& change);
/// Fails with bad_payload.
[[nodiscard]] Expected<LoggedChange> change_from(std::string_view line);

class UndoLog {
 public:
  /// Nothing is made before the first change: `file` must not exist then.
  explicit UndoLog(std::string file) : file_(std::move(file)) {}
  void add(const LoggedChange& change) { waiting_ += to_line(change); }
  /// Fails with environment.
  [[nodiscard]] Status sync();
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] bool is_made() const { return out_.valid(); }

 private:
  std::string file_;
  std::string waiting_;
  FileDescriptor out_;
};

/// Calls `each` for every change of a log, first to last; a last line without its end, of an export
/// that was killed before it changed anything, is left out. Fails with usage for what is no such
/// log, and with what `each` returns.
[[nodiscard]] Status for_each_change(const std::string& log,
                                     const std::function<Status(LoggedChange)>& each);

}  // namespace photoscribe::cli
