#include "scheduler/sources/list_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/sqlite/storage.h"

namespace photoscribe {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

tl::unexpected<Error> cannot(const std::string& name, int error) {
  const bool absent = error == ENOENT || error == ENOTDIR || error == EISDIR;
  return fail(absent ? Errc::usage : Errc::environment,
              "read the list " + sqlite::text_of(name) + ": " + std::strerror(error));
}

FileDescriptor nameless_file(const std::string& folder) {
  const std::string place = folder.empty() ? "/tmp" : folder;
  FileDescriptor made(::open(place.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (made.valid()) return made;
  std::string name = place + "/photoscribe-list-XXXXXX";  // a file system without such files
  made = FileDescriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (made.valid()) ::unlink(name.c_str());
  return made;
}

Status copy(int from, int to, const std::string& name) {
  std::string block(kBlockBytes, '\0');
  for (;;) {
    const ssize_t got = ::read(from, block.data(), block.size());
    if (got == 0) return {};
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot(name, errno);
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::write(to, block.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0)
        return fail(Errc::environment, "keep a copy of the list " + sqlite::text_of(name) + ": " +
                                           std::strerror(errno));
      done += put;
    }
  }
}

}  // namespace

Expected<ListFile> ListFile::open(const std::string& file, const std::string& scratch_folder) {
  const bool standard_input = file == "-";
  const std::string name = standard_input ? "standard input" : file;
  FileDescriptor opened(standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                       : ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct ::stat node {};
  if (!opened.valid() || ::fstat(opened.get(), &node) != 0) return cannot(name, errno);
  if (S_ISDIR(node.st_mode)) return cannot(name, EISDIR);
  if (S_ISREG(node.st_mode) && !standard_input) return ListFile(name, std::move(opened));
  FileDescriptor kept = nameless_file(scratch_folder);
  if (!kept.valid()) return cannot(name, errno);
  if (Status copied = copy(opened.get(), kept.get(), name); !copied) return fail(copied.error());
  return ListFile(name, std::move(kept));
}

Expected<std::string> ListFile::beginning(std::size_t bytes) const {
  std::string text(bytes, '\0');
  std::size_t have = 0;
  while (have < bytes) {
    const ssize_t got =
        ::pread(descriptor(), text.data() + have, bytes - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot(name_, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

Expected<bool> ListLines::fill() {
  block_.erase(0, at_);
  block_begins_ += at_;
  at_ = 0;
  const std::size_t before = block_.size();
  block_.resize(before + kBlockBytes);
  ssize_t got = -1;
  do {
    got = ::pread(file_.descriptor(), block_.data() + before, kBlockBytes,
                  static_cast<off_t>(block_begins_ + before));
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  block_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return cannot(file_.name(), error);
  if (block_begins_ == 0 && at_ == 0 && before == 0 && block_.starts_with(kByteOrderMark))
    at_ = kByteOrderMark.size();
  return got > 0;
}

Expected<bool> ListLines::next(Line& line) {
  std::size_t searched = 0;
  for (;;) {
    const auto end = block_.find(end_, at_ + searched);
    searched = (end == std::string::npos ? block_.size() : end + 1) - at_;
    if (end != std::string::npos) break;
    if (searched > kLineMax) return next_cut(line);
    const Expected<bool> more = fill();
    if (!more) return more;
    if (*more) continue;
    if (searched == 0) return false;
    break;
  }
  line = {std::string_view(block_).substr(at_, searched), ++number_, false};
  at_ += searched;
  return true;
}

Expected<bool> ListLines::next_cut(Line& line) {
  cut_ = block_.substr(at_, kLineMax);
  for (auto end = std::string::npos; end == std::string::npos;) {
    at_ = block_.size();
    const Expected<bool> more = fill();
    if (!more) return more;
    if (!*more) break;
    end = block_.find(end_, at_);
    if (end != std::string::npos) at_ = end + 1;
  }
  line = {cut_, ++number_, true};
  return true;
}

void ListLines::go_to(Place place) {
  block_.clear();
  block_begins_ = place.offset;
  at_ = 0;
  number_ = place.line;
}

}  // namespace photoscribe
