#include "scheduler/process/private_folder.h"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

namespace photoscribe {
namespace {

constexpr mode_t kOthersMayWrite = S_IWGRP | S_IWOTH;
constexpr std::size_t kNoteBytesMax = 65'536;

std::string name_of(uid_t user) {
  std::array<char, 4096> space{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(user, &entry, space.data(), space.size(), &found);
  return found != nullptr ? std::string(found->pw_name) : "user " + std::to_string(user);
}

/// What is wrong with a folder, and which setting names another.
struct Refusal {
  const std::string& folder;
  const std::string& setting;
  tl::unexpected<Error> operator()(const std::string& why) const {
    return fail(Errc::environment,
                "state folder " + folder + ": " + why + "; name another one with " + setting);
  }
};

/// Makes what is missing of `folder`; its last part 0700.
Status make_folder(const std::string& folder, const Refusal& refused) {
  const std::filesystem::path above = std::filesystem::path(folder).parent_path();
  std::error_code error;
  if (!above.empty()) std::filesystem::create_directories(above, error);
  if (error) return refused(error.message());
  if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return refused(std::strerror(errno));
}

std::string without_slashes(std::string folder) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return folder;
}

Status write_all(int file, const std::string& path, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t put = ::write(file, text.data() + at, text.size() - at);
    if (put > 0) at += static_cast<std::size_t>(put);
    if (put <= 0 && errno != EINTR)
      return fail(Errc::environment, "write " + path + ": " + std::strerror(errno));
  }
  return {};
}

Status write_with(const std::string& path, const std::string& text, int flags) {
  const Expected<FileDescriptor> file = open_private_file(path, O_WRONLY | O_CREAT | flags);
  if (!file) return fail(file.error());
  return write_all(file->get(), path, text);
}

}  // namespace

Status make_private_folder(const std::string& named, const std::string& setting) {
  const std::string folder = without_slashes(named);
  const Refusal refused{folder, setting};
  if (Status made = make_folder(folder, refused); !made) return made;
  const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct ::stat is {};
  if (!opened.valid() || ::fstat(opened.get(), &is) != 0) {
    return refused(std::strerror(errno));
  }
  if (is.st_uid != ::geteuid()) {
    return refused("it belongs to " + name_of(is.st_uid) + ", not to " + name_of(::geteuid()) +
                   " who runs this");
  }
  if ((is.st_mode & 0777) != 0700) ::fchmod(opened.get(), 0700);
  if (::fstat(opened.get(), &is) != 0 || (is.st_mode & kOthersMayWrite) != 0) {
    return refused("its file system lets others write there");
  }
  if (::faccessat(opened.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    return refused("not writable");
  }
  return {};
}

Expected<FileDescriptor> open_private_file(const std::string& path, int flags) {
  // O_NONBLOCK: a pipe that somebody put there would wait for its reader.
  FileDescriptor file(
      ::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600));
  if (!file.valid()) {
    return fail(Errc::environment,
                "open " + path + ": " +
                    (errno == ELOOP ? "it is a link, which we did not make: remove it"
                                    : std::strerror(errno)));
  }
  struct ::stat is {};
  if (::fstat(file.get(), &is) != 0) {
    return fail(Errc::environment, "open " + path + ": " + std::strerror(errno));
  }
  if (!S_ISREG(is.st_mode) || is.st_uid != ::geteuid() || is.st_nlink > 1) {
    return fail(Errc::environment,
                "open " + path + ": " +
                    (!S_ISREG(is.st_mode)       ? "it is no file"
                     : is.st_uid != ::geteuid() ? "it belongs to " + name_of(is.st_uid)
                                                : "it has a second name") +
                    ", so we did not make it: remove it");
  }
  return file;
}

std::string read_private_file(const std::string& path) {
  const Expected<FileDescriptor> file = open_private_file(path, O_RDONLY);
  if (!file) return "";
  std::string text(kNoteBytesMax, '\0');
  std::size_t size = 0;
  for (ssize_t got = 1; got != 0 && size < text.size();) {
    got = ::read(file->get(), text.data() + size, text.size() - size);
    if (got < 0 && errno != EINTR) break;
    if (got > 0) size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

Status write_private_file(const std::string& path, const std::string& text) {
  ::unlink(path.c_str());  // not O_TRUNC: that of somebody else's would be lost before we look
  return write_with(path, text, O_EXCL);
}

Status append_private_file(const std::string& path, const std::string& text) {
  return write_with(path, text, O_APPEND);
}

bool peer_is_ours(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

}  // namespace photoscribe
