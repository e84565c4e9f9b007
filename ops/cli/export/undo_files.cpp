// Undoing an export.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "common/core/sha256.h"
#include "common/text/safe_text.h"
#include "ops/cli/export/file_changes.h"
#include "ops/cli/export/write_files.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

constexpr std::size_t kAtOnce = 32, kNotedAtOnce = 1'000;

Expected<std::string> hash_of(const OpenedFile& file) {
  Sha256 hash;
  std::string block(1 << 20, '\0');
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(file.descriptor.get(), block.data(), block.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_change("", errno);
    if (got == 0) return to_hex(hash.digest());
    hash.add(block.data(), static_cast<std::size_t>(got));
    at += got;
  }
}

class ExportUndo {
 public:
  explicit ExportUndo(const std::string& database) : database_(database), changes_(nullptr) {}
  Status take(const LoggedChange& change);
  Status commit();
  UndoReport report;

 private:
  Status undo(const LoggedChange& change);
  Status open_store();
  Status note();
  void refuse(const std::string& reason, const std::string& file) {
    Refusals& some = report.refused[reason];
    if (++some.photos == 1) some.example = file;
  }
  const std::string& database_;
  FileChanges changes_;
  std::vector<RewrittenFile> to_note_;
  std::optional<Store> store_;  // once a photo is restored
};

/// What the database records for a photo that had `size_before` bytes and has its old ones back.
RewrittenFile noted_as(const std::string& folder, const std::string& path, std::int64_t size_before,
                       const struct stat& now) {
  return {folder,      path,
          size_before, std::int64_t{now.st_mtim.tv_sec} * 1'000'000'000 + now.st_mtim.tv_nsec,
          now.st_size, static_cast<std::int64_t>(now.st_ino)};
}

/// The size of the file that the export left and `restored` was made from.
std::int64_t exported_size(const LoggedChange& change, const struct stat& restored) {
  std::int64_t size = restored.st_size;
  for (const metadata::Edit& edit : change.edits) {
    size +=
        static_cast<std::int64_t>(edit.removed) - static_cast<std::int64_t>(edit.inserted.size());
  }
  return size;
}

Status ExportUndo::undo(const LoggedChange& change) {
  struct stat there {};
  if (::lstat(change.file.c_str(), &there) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
    ++report.untouched;
    return {};
  }
  Expected<OpenedFile> opened = open_to_change(change.file);
  if (!opened) return fail(opened.error());
  const Expected<std::string> hash = hash_of(*opened);
  if (!hash) return fail(hash.error());
  if (*hash == change.before) {
    ++report.untouched;
    // An undo that was killed may have restored it without recording its size.
    if (change.keep_times) {
      to_note_.push_back(
          noted_as(change.folder, change.path, exported_size(change, opened->was), opened->was));
    }
    return {};
  }
  if (*hash != change.after) return fail(Errc::bad_payload, "it has changed since the export");
  if (change.created) {
    if (::unlink(change.file.c_str()) != 0) return cannot_change("", errno);
    ++report.removed;
    return {};
  }
  // Its new size must be recorded, or a run would take the photo for changed; so do not restore it
  // while another process holds the database.
  if (change.keep_times) {
    if (Status opened_store = open_store(); !opened_store) return opened_store;
  }
  FileChange back;
  back.target = change.file;
  back.edits = change.edits;
  back.keep_times = change.keep_times;
  back.folder = change.folder;
  back.path = change.path;
  back.old = std::move(*opened);
  return changes_.stage(std::move(back));
}

Status ExportUndo::take(const LoggedChange& change) {
  if (changes_.is_staged(change.file)) {
    if (Status committed = commit(); !committed) return committed;
  }
  if (Status undone = undo(change); !undone) {
    if (undone.error().code != Errc::bad_payload) return undone;
    refuse(undone.error().message, change.file);
  }
  const bool many = changes_.staged() >= kAtOnce || to_note_.size() >= kNotedAtOnce;
  return many ? commit() : Status();
}

Status ExportUndo::open_store() {
  if (store_) return {};
  Expected<Store> opened = Store::open_writer(database_);
  if (!opened) return fail(opened.error());
  store_.emplace(std::move(*opened));
  return {};
}

Status ExportUndo::note() {
  if (to_note_.empty()) return {};
  if (Status opened = open_store(); !opened) return opened;
  const Status noted = store_->note_rewritten(to_note_);
  to_note_.clear();
  return noted;
}

Status ExportUndo::commit() {
  const Status committed = changes_.commit([&](const FileChanges::Outcome& one) {
    if (!one.done) return refuse(one.done.error().message, one.change.target);
    ++report.restored;
    if (!one.change.keep_times) return;
    to_note_.push_back(
        noted_as(one.change.folder, one.change.path, one.change.old->was.st_size, one.now));
  });
  const Status noted = note();
  return committed ? noted : committed;
}

}  // namespace

Expected<UndoReport> undo_files(const std::string& database, const std::string& log,
                                const StopHandle& stop) {
  ExportUndo undo(database);
  const Status read = for_each_change(log, [&](const LoggedChange& change) -> Status {
    if (stop.requests() > 0) return fail(Errc::cancelled, "stopped");
    return undo.take(change);
  });
  const Status committed = undo.commit();
  undo.report.stopped = !read && read.error().code == Errc::cancelled;
  if (!read && !undo.report.stopped) return fail(read.error());
  if (!committed) return fail(committed.error());
  return std::move(undo.report);
}

}  // namespace photoscribe::cli
