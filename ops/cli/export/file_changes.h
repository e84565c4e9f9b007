// file_changes: changes files beside photos, or photos themselves, a group at a time and each of
// them atomically.
//
// stage() writes the whole new file under a hidden name beside the old one; commit() makes all of
// them durable, writes how to undo them to the log, makes that durable, and only then renames. So
// whenever the process is killed, a file is either the old one or the new one, and every new one is
// in the log.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"
#include "common/metadata/edit.h"
#include "ops/cli/export/undo_log.h"

namespace photoscribe::cli {

/// A file opened for reading, to be replaced.
struct OpenedFile {
  FileDescriptor descriptor;
  struct stat was {};
};

/// Opens for reading; a symbolic link is refused. Fails with environment for a fault of the machine
/// and with bad_payload, whose message is the whole reason, for a fault of this file.
[[nodiscard]] Expected<OpenedFile> open_to_change(const std::string& file);

/// Such an error for any system call on one file that failed with `error`.
[[nodiscard]] tl::unexpected<Error> cannot_change(const std::string& what, int error);

struct FileChange {
  std::string target;             // absolute
  std::optional<OpenedFile> old;  // none: a new file
  metadata::Edits edits;          // of a new file: one insertion
  bool keep_times = false;        // for a photo; new times of a sidecar tell programs to read it
  std::string folder, path;       // the photo's, for the log
};

class FileChanges {
 public:
  /// `log` may be null, if there is nothing to undo; otherwise it must outlive this.
  explicit FileChanges(UndoLog* log) : log_(log) {}
  ~FileChanges();
  FileChanges(const FileChanges&) = delete;
  FileChanges& operator=(const FileChanges&) = delete;

  /// Errors as those of open_to_change().
  [[nodiscard]] Status stage(FileChange change);
  [[nodiscard]] bool is_staged(const std::string& target) const {
    return targets_.contains(target);
  }
  [[nodiscard]] std::size_t staged() const { return staged_.size(); }

  /// One file of a commit: its new size and inode, or why it stays as it was.
  struct Outcome {
    const FileChange& change;
    struct stat now {};
    Status done;
  };
  /// Calls `each` for every staged file, in order. Fails with environment; files not renamed by
  /// then stay as they were.
  [[nodiscard]] Status commit(const std::function<void(const Outcome&)>& each);

 private:
  struct Staged {
    FileChange change;
    std::string partial;
    FileDescriptor written;
    LoggedChange logged;
  };
  [[nodiscard]] Status make_durable();
  [[nodiscard]] static Status put_in_place(const Staged& one);

  UndoLog* log_;
  std::vector<Staged> staged_;
  std::unordered_set<std::string> targets_;
};

}  // namespace photoscribe::cli
