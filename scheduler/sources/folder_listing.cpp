#include "scheduler/sources/folder_listing.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/core/file_descriptor.h"

namespace photoscribe {
namespace {

constexpr std::size_t kNamesAtOnce = 1'000'000;

}  // namespace

FolderListing::FolderListing(const std::string& folder) {
  FileDescriptor opened(
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct ::stat node {};
  if (!opened.valid() || ::fstat(opened.get(), &node) != 0) {
    error_ = errno;
    return;
  }
  identity_ = {node.st_dev, node.st_ino};
  folder_.reset(::fdopendir(opened.get()));
  if (!folder_) {
    error_ = errno;
    return;
  }
  (void)opened.release();  // folder_'s
}

void FolderListing::read_some() {
  block_.clear();
  names_.clear();
  position_ = 0;
  while (names_.size() < kNamesAtOnce) {
    errno = 0;
    const dirent* entry = ::readdir(folder_.get());
    if (entry == nullptr) {
      error_ = errno;
      folder_.reset();
      break;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    names_.push_back({static_cast<std::uint32_t>(block_.size()),
                      static_cast<std::uint16_t>(name.size()), entry->d_type});
    block_ += name;
  }
  const auto text = [&](const Name& name) {
    return std::string_view(block_).substr(name.offset, name.length);
  };
  std::sort(names_.begin(), names_.end(),
            [&](const Name& a, const Name& b) { return text(a) < text(b); });
}

bool FolderListing::next(Entry& entry) {
  while (position_ == names_.size()) {
    if (!folder_) return false;
    read_some();
  }
  const Name& name = names_[position_++];
  entry = {std::string_view(block_).substr(name.offset, name.length), name.type};
  return true;
}

std::vector<std::string_view> FolderListing::names() {
  if (names_.empty() && folder_) read_some();
  std::vector<std::string_view> all;
  all.reserve(names_.size());
  for (const Name& name : names_)
    all.push_back(std::string_view(block_).substr(name.offset, name.length));
  return all;
}

}  // namespace photoscribe
