#include "common/core/scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace photoscribe {
namespace fs = std::filesystem;

Expected<ScratchFolder> ScratchFolder::make(const std::string& what_for,
                                            const std::string& wanted) {
  std::string beside = wanted + "/.photoscribe-XXXXXX";
  if (!wanted.empty() && ::mkdtemp(beside.data()) != nullptr) {
    return ScratchFolder(std::move(beside));
  }
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  std::string name = (parent / "photoscribe-XXXXXX").string();
  if (!error && ::mkdtemp(name.data()) != nullptr) return ScratchFolder(std::move(name));
  return fail(Errc::environment, "make a folder for " + what_for + " in " + parent.string() + ": " +
                                     (error ? error.message() : std::strerror(errno)) +
                                     "; TMPDIR may name another place");
}

ScratchFolder::ScratchFolder(std::string path) : path_(std::move(path)) {}
ScratchFolder::ScratchFolder(ScratchFolder&& other) noexcept
    : path_(std::exchange(other.path_, "")) {}
ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace photoscribe
