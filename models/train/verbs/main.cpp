// photoscribe-train: trains, inspects and evaluates models.
#include <ATen/Parallel.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <string_view>

#include "common/core/standard_output.h"
#include "common/text/escape.h"
#include "models/captioner.h"
#include "models/train/verbs/verbs.h"

namespace {

/// The command line, quoted so that it can be run again.
std::string join(int argc, char** argv) {
  std::string line = photoscribe::shell_quoted(argv[0]);
  for (int i = 1; i < argc; ++i) line += " " + photoscribe::shell_quoted(argv[i]);
  return line;
}

/// As for photoscribe (ops/cli/terminal/exit_status.h).
int exit_code(const photoscribe::Status& status) {
  using photoscribe::Errc;
  if (status) return 0;
  std::fprintf(stderr, "photoscribe-train: %s\n", status.error().message.c_str());
  const Errc code = status.error().code;
  return code == Errc::cancelled ? 4 : code == Errc::usage || code == Errc::invalid_config ? 2 : 3;
}

int run(int argc, char** argv) {
  CLI::App app{"Trains, inspects and evaluates the models of photoscribe.", "photoscribe-train"};
  app.require_subcommand(1);
  photoscribe::Status status;
  photoscribe::add_verbs(app, join(argc, argv), status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return exit_code(status);
}

}  // namespace

int main(int argc, char** argv) {
  photoscribe::open_standard_output();
  photoscribe::choose_blas_kernels(argv);
  // Large blocks go back to the heap, not to the kernel: every step would page them in again.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, -1);
  return photoscribe::close_standard_output("photoscribe-train", run(argc, argv));
}
