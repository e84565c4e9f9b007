#include <memory>
#include <utility>

#include "ops/cli/config/locate.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/process/program.h"

namespace photoscribe::cli {
namespace {

struct BlurOptions {
  explicit BlurOptions(CLI::App& verb) : settings(verb) {}
  Settings settings;
  std::vector<std::string> files;
  bool json = false;
};

/// The worker decodes: this process becomes it.
int blur(const BlurOptions& options) {
  const Expected<LoadedConfig> loaded = options.settings.load();
  if (!loaded) return report("blur", loaded.error());
  const Expected<std::string> worker = find_worker(loaded->config);
  if (!worker) return report("blur", worker.error());
  std::vector<std::string> words =
      decoding_command(*worker, "blur", loaded->config.settings.limits);
  if (options.json) words.emplace_back("--json");
  if (loaded->origins.contains("blur.blur_threshold")) {
    words.insert(words.end(),
                 {"--blur-threshold", std::to_string(loaded->config.settings.blur.blur_threshold)});
  }
  if (loaded->origins.contains("blur.mode")) {
    words.insert(words.end(),
                 {"--blur-mode", std::string(to_string(loaded->config.settings.blur.mode))});
  }
  for (const std::string& file : options.files) {
    words.push_back(file.starts_with("-") ? "./" + file : file);
  }
  return report("blur", become_program(std::move(words)));
}

}  // namespace

void add_blur(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand("blur", "print blur scores of photos");
  const auto options = std::make_shared<BlurOptions>(*verb);
  verb->add_option("files", options->files, "photos")->type_name("FILE")->required();
  verb->add_flag("--json", options->json,
                 "one JSON object per photo and line, with every mode's score");
  options->settings.flag("--blur-threshold", "blur.blur_threshold", "SCORE",
                         "a score below it is blurred (default: 100; mode learned: 20)");
  options->settings.flag("--blur-mode", "blur.mode", "MODE",
                         "full, normalised, tile_max, edges or learned (default: full)");
  verb->footer(
      "The score is the variance of the Laplacian of the gray photo at full resolution, as OpenCV\n"
      "computes it, unless another mode is chosen. Mode learned gives 100 x the probability that "
      "the\n"
      "photo is clear: the best of them on photos that cameras blurred and on blur made by "
      "computer;\n"
      "mode edges is good on the latter alone. Exit status: 0, or 1 when a file could not be\n"
      "measured.\n"
      "Example:\n"
      "  photoscribe blur *.jpg | sort -n");
  verb->callback([options, &action] { action = [options] { return blur(*options); }; });
}

}  // namespace photoscribe::cli
