#include <unistd.h>

#include <memory>

#include "ops/cli/config/settings.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"

namespace photoscribe::cli {
namespace {

int show_config(const Settings& settings) {
  const Expected<LoadedConfig> loaded = settings.load();
  if (!loaded) return report("config show", loaded.error());
  write_all(STDOUT_FILENO, to_yaml(*loaded));
  return kExitDone;
}

}  // namespace

void add_config(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand("config", "settings and where they come from");
  verb->require_subcommand(1);
  CLI::App* const show_verb =
      verb->add_subcommand("show", "print the settings in effect as a configuration file");
  const auto settings = std::make_shared<Settings>(*show_verb);
  std::string names = "Environment variables, one per setting:\n";
  for (const std::string& key : config_keys()) names += "  " + environment_name(key) + "\n";
  show_verb->footer(
      "Flags win over the environment, that over the file (--config or $PHOTOSCRIBE_CONFIG), and "
      "the\n"
      "file over the defaults. Values other than the default say where they come from.\n"
      "\n" +
      names +
      "Secrets, never shown:\n  PHOTOSCRIBE_REDIS_PASSWORD\n  PHOTOSCRIBE_SENTINEL_PASSWORD\n\n"
      "Example:\n  photoscribe config show > photoscribe.yaml   # a file to edit");
  show_verb->callback(
      [settings, &action] { action = [settings] { return show_config(*settings); }; });
}

}  // namespace photoscribe::cli
