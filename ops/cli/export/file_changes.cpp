#include "ops/cli/export/file_changes.h"

#include <sys/xattr.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <set>

#include "common/core/sha256.h"

namespace photoscribe::cli {
namespace {

constexpr std::size_t kBlock = 1 << 20;

/// A name of fixed length, so that it works for the longest names; hidden, so that no run takes it
/// for a photo; always the same, so that the next export overwrites what a killed one left.
std::string partial_of(const std::string& target) {
  const auto slash = target.rfind('/');
  const std::string name = target.substr(slash + 1);
  return target.substr(0, slash + 1) + ".photoscribe-" +
         to_hex(sha256_of(name.data(), name.size())).substr(0, 24) + ".part";
}

bool write_whole(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

/// Copies a file with edits, and hashes the old and the new bytes.
class EditingCopy {
 public:
  EditingCopy(int from, std::uint64_t size, int into) : from_(from), size_(size), into_(into) {}

  bool run(const metadata::Edits& edits, LoggedChange& logged) {
    std::uint64_t written = 0;
    for (const metadata::Edit& edit : edits) {
      if (!pass(edit.offset - at_)) return false;
      std::string removed(static_cast<std::size_t>(edit.removed), '\0');
      if (!removed.empty() && !take(removed.data(), removed.size())) return false;
      written = written_;
      if (!put(edit.inserted)) return false;
      logged.edits.push_back({written, edit.inserted.size(), std::move(removed)});
    }
    if (!pass(size_ - at_)) return false;
    logged.before = from_ < 0 ? std::string() : to_hex(before_.digest());
    logged.after = to_hex(after_.digest());
    return true;
  }

 private:
  bool take(char* bytes, std::size_t count) {
    for (std::size_t have = 0; have < count;) {
      const ssize_t got =
          ::pread(from_, bytes + have, count - have, static_cast<off_t>(at_ + have));
      if (got < 0 && errno == EINTR) continue;
      if (got == 0) errno = EIO;  // it became shorter
      if (got <= 0) return false;
      have += static_cast<std::size_t>(got);
    }
    before_.add(bytes, count);
    at_ += count;
    return true;
  }
  bool put(std::string_view bytes) {
    after_.add(bytes.data(), bytes.size());
    written_ += bytes.size();
    return write_whole(into_, bytes);
  }
  bool pass(std::uint64_t count) {
    for (std::string block; count > 0; count -= block.size()) {
      block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, count)));
      if (!take(block.data(), block.size()) || !put(block)) return false;
    }
    return true;
  }

  int from_;  // -1: a new file
  std::uint64_t size_;
  int into_;
  std::uint64_t at_ = 0, written_ = 0;
  Sha256 before_, after_;
};

/// Extended attributes, including access control lists, except security labels, which the system
/// sets itself.
Status copy_extended_attributes(int from, int into) {
  std::string names(64 << 10, '\0');
  const ssize_t size = ::flistxattr(from, names.data(), names.size());
  if (size < 0) return errno == ENOTSUP ? Status() : Status(cannot_change("its attributes", errno));
  std::string value(64 << 10, '\0');
  for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
    const std::string name(names.c_str() + at);
    at += name.size() + 1;
    if (name.starts_with("security.") && name != "security.capability") continue;
    const ssize_t got = ::fgetxattr(from, name.c_str(), value.data(), value.size());
    if (got < 0 ||
        ::fsetxattr(into, name.c_str(), value.data(), static_cast<std::size_t>(got), 0) != 0)
      return fail(Errc::bad_payload,
                  "its attribute " + name + " cannot be kept: " + std::strerror(errno));
  }
  return {};
}

Status copy_attributes(const OpenedFile& old, int into, bool keep_times) {
  struct stat made {};
  if (::fstat(into, &made) != 0) return cannot_change("", errno);
  const bool same_owner = made.st_uid == old.was.st_uid && made.st_gid == old.was.st_gid;
  if (!same_owner && ::fchown(into, old.was.st_uid, old.was.st_gid) != 0)
    return fail(Errc::bad_payload, "it belongs to somebody else, and the owner cannot be kept");
  if (::fchmod(into, old.was.st_mode & 07777) != 0) return cannot_change("", errno);
  if (Status copied = copy_extended_attributes(old.descriptor.get(), into); !copied) return copied;
  const timespec times[2] = {old.was.st_atim, old.was.st_mtim};
  if (keep_times && ::futimens(into, times) != 0) return cannot_change("its times", errno);
  return {};
}

bool is_same_file(const struct stat& was, const std::string& file) {
  struct stat now {};
  return ::lstat(file.c_str(), &now) == 0 && now.st_dev == was.st_dev && now.st_ino == was.st_ino &&
         now.st_size == was.st_size && now.st_mtim.tv_sec == was.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == was.st_mtim.tv_nsec;
}

}  // namespace

tl::unexpected<Error> cannot_change(const std::string& what, int error) {
  const bool machine_fault = error == EIO || error == ENOSPC || error == EDQUOT ||
                             error == EMFILE || error == ENFILE || error == ENOMEM ||
                             error == ESTALE || error == ENOTCONN;
  return fail(machine_fault ? Errc::environment : Errc::bad_payload,
              (what.empty() ? "" : what + ": ") + std::strerror(error));
}

Expected<OpenedFile> open_to_change(const std::string& file) {
  OpenedFile opened;
  opened.descriptor.reset(
      ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!opened.descriptor.valid()) {
    if (errno == ELOOP)
      return fail(Errc::bad_payload, "it is a symbolic link; its target stays as it is");
    return cannot_change("", errno);
  }
  if (::fstat(opened.descriptor.get(), &opened.was) != 0) return cannot_change("", errno);
  if (!S_ISREG(opened.was.st_mode)) return fail(Errc::bad_payload, "it is not a regular file");
  if (opened.was.st_nlink > 1)
    return fail(Errc::bad_payload, "it has other hard links, which would be separated from it");
  return opened;
}

FileChanges::~FileChanges() {
  for (const Staged& one : staged_) ::unlink(one.partial.c_str());
}

Status FileChanges::stage(FileChange change) {
  Staged one;
  one.partial = partial_of(change.target);
  ::unlink(one.partial.c_str());
  one.written.reset(::open(one.partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                           change.old ? S_IRUSR | S_IWUSR : 0666));
  if (!one.written.valid()) return cannot_change("its folder cannot be written to", errno);
  const auto refuse = [&](tl::unexpected<Error> error) {
    ::unlink(one.partial.c_str());
    return error;
  };
  const int from = change.old ? change.old->descriptor.get() : -1;
  const auto size = change.old ? static_cast<std::uint64_t>(change.old->was.st_size) : 0;
  if (!EditingCopy(from, size, one.written.get()).run(change.edits, one.logged))
    return refuse(cannot_change("", errno));
  if (change.old) {
    if (Status copied = copy_attributes(*change.old, one.written.get(), change.keep_times); !copied)
      return refuse(fail(copied.error()));
  }
  one.logged.file = change.target;
  one.logged.created = !change.old;
  one.logged.keep_times = change.keep_times;
  one.logged.folder = change.folder;
  one.logged.path = change.path;
  targets_.insert(change.target);
  change.edits.clear();  // in the file and the log from now on
  one.change = std::move(change);
  staged_.push_back(std::move(one));
  return {};
}

/// Photos are synced one by one; sidecars all at once, which costs one commit of the file system.
Status FileChanges::make_durable() {
  std::set<dev_t> done;
  for (const Staged& one : staged_) {
    struct stat made {};
    if (::fstat(one.written.get(), &made) != 0) return cannot_change(one.partial, errno);
    const bool photo = one.change.keep_times;
    if (!photo && !done.insert(made.st_dev).second) continue;
    const int failed = photo ? ::fsync(one.written.get()) : ::syncfs(one.written.get());
    if (failed != 0) return fail(Errc::environment, one.partial + ": " + std::strerror(errno));
  }
  return {};
}

Status FileChanges::put_in_place(const Staged& one) {
  const char* const from = one.partial.c_str();
  const char* const into = one.change.target.c_str();
  if (one.change.old) {
    if (!is_same_file(one.change.old->was, into))
      return fail(Errc::bad_payload, "somebody changed it meanwhile");
    return ::rename(from, into) == 0 ? Status() : Status(cannot_change("", errno));
  }
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, into, RENAME_NOREPLACE) == 0) return {};
  if (errno == EEXIST) return fail(Errc::bad_payload, "somebody made it meanwhile");
  if (errno != EINVAL && errno != ENOSYS) return cannot_change("", errno);
  if (::access(into, F_OK) == 0) return fail(Errc::bad_payload, "somebody made it meanwhile");
  return ::rename(from, into) == 0 ? Status() : Status(cannot_change("", errno));
}

Status FileChanges::commit(const std::function<void(const Outcome&)>& each) {
  if (staged_.empty()) return {};
  if (Status durable = make_durable(); !durable) return durable;
  if (log_ != nullptr) {
    for (const Staged& one : staged_) log_->add(one.logged);
    if (Status logged = log_->sync(); !logged) return logged;
  }
  for (const Staged& one : staged_) {
    Outcome outcome{one.change, {}, put_in_place(one)};
    if (!outcome.done) {
      ::unlink(one.partial.c_str());
    } else if (::fstat(one.written.get(), &outcome.now) != 0) {
      outcome.done = cannot_change("", errno);
    }
    each(outcome);
  }
  staged_.clear();
  targets_.clear();
  return {};
}

}  // namespace photoscribe::cli
