#include "ops/cli/export/files_progress.h"

#include <unistd.h>

#include <string>

#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/terminal/terminal.h"

namespace photoscribe::cli {

FilesProgress::FilesProgress(std::int64_t total)
    : total_(total), live_(is_terminal(STDERR_FILENO)) {}

FilesProgress::~FilesProgress() {
  if (drawn_) write_all(STDERR_FILENO, "\r\x1b[K");
}

void FilesProgress::show(std::int64_t photos, std::int64_t written) {
  const auto now = Clock::now();
  if (now - shown_ < (live_ ? std::chrono::milliseconds(500) : std::chrono::seconds(10))) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const std::string line = "exporting: " + grouped(photos) + " of " + counted(total_, "photo") +
                           ", " + grouped(written) + " written, " +
                           rate_text(static_cast<double>(written) / seconds) + " a second";
  drawn_ = live_;
  write_all(STDERR_FILENO,
            live_ ? "\r\x1b[K" + cut_end(line, terminal_columns(STDERR_FILENO)) : line + "\n");
}

}  // namespace photoscribe::cli
