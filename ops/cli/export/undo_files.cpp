// Taking an export back.
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

constexpr std::size_t kAtOnce = 32;

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

class Undoing {
 public:
  explicit Undoing(const std::string& database) : database_(database), changes_(nullptr) {}
  Status take(const LoggedChange& change);
  Status commit();
  UndoReport report;

 private:
  Status undo(const LoggedChange& change);
  Status open_store();
  Status note(const std::vector<RewrittenFile>& files);
  void refuse(const std::string& reason, const std::string& file) {
    Refusals& some = report.refused[reason];
    if (++some.photos == 1) some.example = file;
  }
  const std::string& database_;
  FileChanges changes_;
  std::optional<Store> store_;  // once a photo is restored
};

Status Undoing::undo(const LoggedChange& change) {
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
    return {};
  }
  if (*hash != change.after) return fail(Errc::bad_payload, "it was changed since the export");
  if (change.created) {
    if (::unlink(change.file.c_str()) != 0) return cannot_change("", errno);
    ++report.removed;
    return {};
  }
  // Its size is the writer's to note: not restored beside a run that would take it for changed.
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

Status Undoing::take(const LoggedChange& change) {
  if (changes_.is_staged(change.file)) {
    if (Status committed = commit(); !committed) return committed;
  }
  if (Status undone = undo(change); !undone) {
    if (undone.error().code != Errc::bad_payload) return undone;
    refuse(undone.error().message, change.file);
  }
  return changes_.staged() >= kAtOnce ? commit() : Status();
}

Status Undoing::open_store() {
  if (store_) return {};
  Expected<Store> opened = Store::open_writer(database_);
  if (!opened) return fail(opened.error());
  store_.emplace(std::move(*opened));
  return {};
}

Status Undoing::note(const std::vector<RewrittenFile>& files) {
  if (files.empty()) return {};
  if (Status opened = open_store(); !opened) return opened;
  return store_->note_rewritten(files);
}

Status Undoing::commit() {
  std::vector<RewrittenFile> files;
  const Status committed = changes_.commit([&](const FileChanges::Outcome& one) {
    if (!one.done) return refuse(one.done.error().message, one.change.target);
    ++report.restored;
    if (!one.change.keep_times) return;
    const struct stat& was = one.change.old->was;
    files.push_back({one.change.folder, one.change.path, was.st_size,
                     std::int64_t{was.st_mtim.tv_sec} * 1'000'000'000 + was.st_mtim.tv_nsec,
                     one.now.st_size, static_cast<std::int64_t>(one.now.st_ino)});
  });
  const Status noted = note(files);
  return committed ? noted : committed;
}

}  // namespace

Expected<UndoReport> undo_files(const std::string& database, const std::string& log,
                                const StopHandle& stop) {
  Undoing undoing(database);
  const Status read = for_each_change(log, [&](const LoggedChange& change) -> Status {
    if (stop.requests() > 0) return fail(Errc::cancelled, "stopped");
    return undoing.take(change);
  });
  const Status committed = undoing.commit();
  undoing.report.stopped = !read && read.error().code == Errc::cancelled;
  if (!read && !undoing.report.stopped) return fail(read.error());
  if (!committed) return fail(committed.error());
  return std::move(undoing.report);
}

}  // namespace photoscribe::cli
