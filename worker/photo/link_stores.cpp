#include "worker/photo/link_stores.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace photoscribe {
namespace {

bool lies_in(const std::string& path, const std::string& place) {
  if (path == place || place == "/") return true;
  return path.size() > place.size() && path.starts_with(place) && path[place.size()] == '/';
}

}  // namespace

// The real path has no links, so none is followed any more, whatever is changed meanwhile.
tl::expected<FileDescriptor, int> LinkStores::open(const std::string& path) const {
  const std::unique_ptr<char, decltype(&std::free)> found(::realpath(path.c_str(), nullptr),
                                                          &std::free);
  if (!found) {
    const int error = errno;
    const bool nowhere = error == ENOENT || error == ENOTDIR;
    const bool all_there = std::all_of(places_.begin(), places_.end(), [](const std::string& one) {
      return ::access(one.c_str(), F_OK) == 0;
    });
    return tl::unexpected(nowhere && !all_there ? ENODEV : error);
  }
  const std::string target = found.get();
  const auto place = std::find_if(places_.begin(), places_.end(),
                                  [&](const std::string& one) { return lies_in(target, one); });
  if (place == places_.end()) return tl::unexpected(EXDEV);
  const std::filesystem::path real(target);
  const bool single_file = target == *place;
  const std::filesystem::path from =
      single_file ? real.parent_path() : std::filesystem::path(*place);
  FileDescriptor here(::open(from.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!here.valid()) return tl::unexpected(errno);
  for (const auto& part : single_file ? real.filename() : real.lexically_relative(from)) {
    here = FileDescriptor(::openat(here.get(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!here.valid()) return tl::unexpected(errno);
  }
  return here;
}

}  // namespace photoscribe
