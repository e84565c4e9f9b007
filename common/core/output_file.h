// output_file: what a program writes for others: standard output, a file, or what stands under a
// file's name.
//
// A new or an ordinary file takes its name only when it is whole, and an existing one keeps its
// mode, its owner and its other names. A device, a pipe and /dev/fd/N are written to and never
// replaced; through a symbolic link goes what it leads to.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"
#include "common/core/remove_on_signal.h"

namespace photoscribe {

class OutputFile {
 public:
  /// What becomes of the unfinished file beside FILE when the process is killed.
  enum class Unfinished : std::uint8_t {
    goes,      // with Ctrl-C, too (RemoveOnSignal)
    is_reused  // FILE.partial stays until the next attempt: for checkpoints
  };

  /// `file` empty or "-": standard output. Fails with environment.
  [[nodiscard]] static Expected<std::unique_ptr<OutputFile>> open(
      const std::string& file, Unfinished unfinished = Unfinished::goes);
  ~OutputFile();  // an unfinished file leaves nothing behind
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] bool is_terminal() const { return isatty(descriptor()) != 0; }
  /// What standard output does not take is told by close_standard_output(), not here.
  [[nodiscard]] Status add(std::string_view text);
  /// What was added is on the disk, where it is one.
  [[nodiscard]] Status sync();
  [[nodiscard]] Status finish();

 private:
  OutputFile() = default;
  [[nodiscard]] int descriptor() const { return file_.empty() ? STDOUT_FILENO : out_.get(); }
  [[nodiscard]] Status begin(Unfinished unfinished);
  [[nodiscard]] Status begin_beside(const struct stat& existing);
  [[nodiscard]] Status flush();
  [[nodiscard]] Status pour();
  [[nodiscard]] tl::unexpected<Error> failed(int error) const;

  std::string file_;              // as it was named, for messages; empty: standard output
  std::string target_, partial_;  // partial_ empty: written in place
  bool exists_ = false;
  bool keeps_inode_ = false;  // the whole text is copied into the file that is there
  FileDescriptor out_;        // none: standard output, or finished
  std::string buffer_;
  std::optional<RemoveOnSignal> partial_goes_;
};

/// All of `text` into `file` as OutputFile writes it. Fails with environment.
[[nodiscard]] Status write_output(const std::string& file, std::string_view text,
                                  OutputFile::Unfinished unfinished = OutputFile::Unfinished::goes);

/// The file that `file` leads to through symbolic links, in the real path of its folder; it need
/// not exist. Fails with environment.
[[nodiscard]] Expected<std::string> file_behind_links(const std::string& file);

}  // namespace photoscribe
