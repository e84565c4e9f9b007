// output_file: what a verb writes for others: standard output, or a file that takes its name only
// when it is whole.
#pragma once

#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "common/core/error.h"
#include "ops/cli/remove_on_signal.h"

namespace photoscribe::cli {

class OutputFile {
 public:
  /// `file` empty or "-": standard output. Fails with environment.
  [[nodiscard]] static Expected<std::unique_ptr<OutputFile>> open(const std::string& file);
  ~OutputFile();  // an unfinished file leaves nothing behind; nor does Ctrl-C
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] Status add(const std::string& text);
  [[nodiscard]] Status finish();

 private:
  OutputFile() = default;
  [[nodiscard]] Status flush();

  int descriptor_ = STDOUT_FILENO;
  std::string file_, partial_, buffer_;
  std::optional<RemoveOnSignal> partial_goes_;
};

}  // namespace photoscribe::cli
