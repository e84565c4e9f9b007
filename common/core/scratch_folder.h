// scratch_folder: a folder for one call's files, gone with its owner.
#pragma once

#include <string>

#include "common/core/error.h"

namespace photoscribe {

class ScratchFolder {
 public:
  /// A new folder (mode 0700) in `parent` or, when that is empty or cannot be written, under TMPDIR
  /// or /tmp. `what_for` is for the message: "a copy of the database". Fails with environment.
  [[nodiscard]] static Expected<ScratchFolder> make(const std::string& what_for,
                                                    const std::string& parent = "");
  ScratchFolder(ScratchFolder&& other) noexcept;
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit ScratchFolder(std::string path);
  std::string path_;
};

}  // namespace photoscribe
