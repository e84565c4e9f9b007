#include "common/core/output_file.h"

#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/core/standard_output.h"

namespace photoscribe {
namespace {

constexpr std::size_t kBuffer = 1 << 16;
constexpr int kLinksMax = 40;  // as the kernel's own limit

tl::unexpected<Error> cannot(const std::string& file, int error) {
  return fail(Errc::environment, file + ": " + std::strerror(error));
}

/// The number, when `folder` is where this process's own descriptors are listed.
std::optional<int> own_descriptor(const std::string& folder, const std::string& name) {
  const std::string process = "/proc/" + std::to_string(getpid()) + "/";
  if (!folder.starts_with(process) || !folder.ends_with("/fd")) return std::nullopt;
  int number = -1;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
  if (read.ec != std::errc() || read.ptr != name.data() + name.size()) return std::nullopt;
  return number;
}

struct Place {
  std::string path;
  std::optional<int> descriptor;  // of this process: `path` is /dev/fd/N or a link to it
};

Expected<Place> place_of(const std::string& file) {
  std::error_code failed;
  std::string at = std::filesystem::absolute(file, failed).string();
  for (int links = 0; !failed && links < kLinksMax; ++links) {
    const std::filesystem::path path(at);
    const std::unique_ptr<char, decltype(&std::free)> folder(
        ::realpath(path.parent_path().c_str(), nullptr), &std::free);
    if (!folder) return cannot(file, errno);
    const std::string name = path.filename().string();
    at = std::string(folder.get()) + (folder.get() == std::string_view("/") ? "" : "/") + name;
    if (const auto number = own_descriptor(folder.get(), name)) return Place{at, number};
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlink(at.c_str(), target.data(), target.size());
    // EINVAL: no link. The links of /proc to what others have open lead nowhere as text.
    if (size < 0 && errno != EINVAL && errno != ENOENT) return cannot(file, errno);
    if (size < 0 || at.starts_with("/proc/")) return Place{at, std::nullopt};
    const std::string_view leads_to(target.data(), static_cast<std::size_t>(size));
    at = (std::filesystem::path(folder.get()) / leads_to).string();
  }
  return cannot(file, failed ? failed.value() : ELOOP);
}

bool write_whole(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(descriptor, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

/// False also when it can be neither owned nor moded as the file that it is to replace.
bool looks_like(int descriptor, const struct stat& existing) {
  struct stat made {};
  if (::fstat(descriptor, &made) != 0) return false;
  const bool same_owner = made.st_uid == existing.st_uid && made.st_gid == existing.st_gid;
  if (!same_owner && ::fchown(descriptor, existing.st_uid, existing.st_gid) != 0) return false;
  return ::fchmod(descriptor, existing.st_mode & 07777) == 0;
}

}  // namespace

Expected<std::string> file_behind_links(const std::string& file) {
  const Expected<Place> place = place_of(file);
  if (!place) return fail(place.error());
  return place->path;
}

Expected<std::unique_ptr<OutputFile>> OutputFile::open(const std::string& file,
                                                       Unfinished unfinished) {
  auto out = std::unique_ptr<OutputFile>(new OutputFile);
  if (file.empty() || file == "-") return out;
  const Expected<Place> place = place_of(file);
  if (!place) return fail(place.error());
  if (place->descriptor == STDOUT_FILENO) return out;
  out->file_ = file;
  if (place->descriptor) {
    // What this process opened itself is closed for its children: that was not meant.
    const int flags = ::fcntl(*place->descriptor, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0) return cannot(file, EBADF);
    out->out_.reset(::fcntl(*place->descriptor, F_DUPFD_CLOEXEC, 0));
    if (!out->out_.valid()) return cannot(file, errno);
    return out;
  }
  out->target_ = place->path;
  if (Status begun = out->begin(unfinished); !begun) return fail(begun.error());
  return out;
}

Status write_output(const std::string& file, std::string_view text,
                    OutputFile::Unfinished unfinished) {
  const auto out = OutputFile::open(file, unfinished);
  if (!out) return fail(out.error());
  if (Status added = (*out)->add(text); !added) return added;
  return (*out)->finish();
}

Status OutputFile::begin(Unfinished unfinished) {
  struct stat existing {};
  exists_ = ::stat(target_.c_str(), &existing) == 0;
  if (!exists_ && errno != ENOENT) return failed(errno);
  if (exists_ && S_ISDIR(existing.st_mode)) return failed(EISDIR);
  if (exists_ && !S_ISREG(existing.st_mode)) {
    out_.reset(::open(target_.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
    return out_.valid() ? Status() : Status(failed(errno));
  }
  if (exists_ && ::faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) != 0)
    return failed(errno);
  if (unfinished == Unfinished::goes) {
    partial_ = target_ + ".part." + std::to_string(getpid());
    partial_goes_.emplace(std::vector<std::string>{partial_});
  } else {
    partial_ = target_ + ".partial";
    ::unlink(partial_.c_str());
  }
  return begin_beside(existing);
}

Status OutputFile::begin_beside(const struct stat& existing) {
  out_.reset(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                    exists_ ? S_IRUSR | S_IWUSR : 0666));
  if (!out_.valid()) {
    if (!exists_) return failed(errno);
    // Beside it there is no room for another file, but it may be written itself.
    partial_.clear();
    out_.reset(::open(target_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    return out_.valid() ? Status() : Status(failed(errno));
  }
  if (!exists_) return {};
  const bool has_list = ::getxattr(target_.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
  keeps_inode_ = existing.st_nlink > 1 || has_list || !looks_like(out_.get(), existing);
  return {};
}

OutputFile::~OutputFile() {
  if (!out_.valid()) return;
  out_.reset();
  if (!partial_.empty()) ::unlink(partial_.c_str());
}

tl::unexpected<Error> OutputFile::failed(int error) const { return cannot(file_, error); }

Status OutputFile::add(std::string_view text) {
  if (buffer_.size() + text.size() < kBuffer) {
    buffer_ += text;
    return {};
  }
  if (Status flushed = flush(); !flushed) return flushed;
  if (text.size() < kBuffer) {
    buffer_ += text;
    return {};
  }
  buffer_.clear();
  if (file_.empty()) {
    write_standard_output(text);
  } else if (!write_whole(out_.get(), text)) {
    return failed(errno);
  }
  return {};
}

Status OutputFile::sync() {
  if (Status flushed = flush(); !flushed) return flushed;
  if (::fsync(descriptor()) == 0 || errno == EINVAL || errno == EROFS) return {};
  return failed(errno);
}

Status OutputFile::finish() {
  if (Status flushed = flush(); !flushed) return flushed;
  if (file_.empty()) return {};
  if (::close(out_.release()) != 0) {
    const int error = errno;
    if (!partial_.empty()) ::unlink(partial_.c_str());
    return failed(error);
  }
  if (partial_.empty()) return {};
  if (!keeps_inode_ && ::rename(partial_.c_str(), target_.c_str()) == 0) return {};
  // EBUSY: the file is mounted there by itself, as containers do; EPERM: the folder is sticky.
  const int error = errno;
  Status done = exists_ ? pour() : Status(failed(error));
  ::unlink(partial_.c_str());
  return done;
}

/// The whole text into the file that is there.
Status OutputFile::pour() {
  const FileDescriptor from(::open(partial_.c_str(), O_RDONLY | O_CLOEXEC));
  FileDescriptor into(::open(target_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  int error = from.valid() && into.valid() ? 0 : errno;
  std::string block(kBuffer, '\0');
  while (error == 0) {
    const ssize_t got = ::read(from.get(), block.data(), block.size());
    if (got == 0) break;
    const std::string_view text(block.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 || !write_whole(into.get(), text)) error = errno;
  }
  if (into.valid() && ::close(into.release()) != 0 && error == 0) error = errno;
  return error == 0 ? Status() : Status(failed(error));
}

Status OutputFile::flush() {
  if (file_.empty()) {
    write_standard_output(buffer_);
  } else if (!write_whole(out_.get(), buffer_)) {
    return fail(Errc::environment, file_ + ": " + std::strerror(errno) +
                                       (partial_.empty() ? "" : "; nothing is left half-written"));
  }
  buffer_.clear();
  return {};
}

}  // namespace photoscribe
