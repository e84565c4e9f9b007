// lock_file: one writer per database, by flock() on a file beside it.
//
// The lock ends with the process, however it ends, so a left-over file is no obstacle. It is not
// inherited by programs that the process starts.
#pragma once

#include <string>

#include "common/core/error.h"

namespace photoscribe::sqlite {

class LockFile {
 public:
  /// Takes `DATABASE.lock` and writes pid and host into it. Fails with store_locked, naming the
  /// holder, when another process (or another LockFile of this one) has it; with store_failure when
  /// the file cannot be made.
  [[nodiscard]] static Expected<LockFile> take(const std::string& database);

  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&& other) noexcept;
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile();

 private:
  LockFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  void release() noexcept;
  int descriptor_ = -1;
  std::string path_;
};

}  // namespace photoscribe::sqlite
