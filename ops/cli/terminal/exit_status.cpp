#include "ops/cli/terminal/exit_status.h"

#include <unistd.h>

#include "common/text/safe_text.h"
#include "ops/cli/terminal/terminal.h"

namespace photoscribe::cli {

int report(const char* verb, const Error& error) {
  const std::string head = std::string("photoscribe ") + verb + ": ";
  write_all(STDERR_FILENO, Ink::of(STDERR_FILENO).red(head) + shown(error.message) + "\n");
  return exit_status_of(error.code);
}

}  // namespace photoscribe::cli
