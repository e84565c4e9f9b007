// lock_file: one writer per database, by flock() on a file beside it.
//
// The lock ends with the process, however it ends, so a left-over file is no obstacle. It is not
// inherited by programs that the process starts.
#pragma once

#include <string>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"

namespace photoscribe::sqlite {

class LockFile {
 public:
  /// Takes `DATABASE.lock` and writes pid and host into it. Fails with store_locked, naming the
  /// holder, when another process (or another LockFile of this one) has it; with store_failure when
  /// the file cannot be made.
  [[nodiscard]] static Expected<LockFile> take(const std::string& database);

  LockFile(LockFile&& other) noexcept = default;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile();

 private:
  LockFile(FileDescriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  void release() noexcept;
  FileDescriptor file_;
  std::string path_;
};

}  // namespace photoscribe::sqlite
