// serve: a web page of an archive: the progress of its runs, its photos, their captions.
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>

#include "common/text/safe_text.h"
#include "ops/cli/run/database_option.h"
#include "ops/cli/run/serve_options.h"
#include "ops/cli/run/stop_signals.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"

namespace photoscribe::cli {
namespace {

struct ServeVerb {
  explicit ServeVerb(CLI::App& verb) : settings(verb), database(settings) {
    settings.flag("--redis", "redis.url", "URL",
                  "the Redis of its workers, if its scheduler does not run on this machine");
    settings.remote_flags();
  }
  Settings settings;
  DatabaseOption database;
  ServeOptions serve;
};

int serve_page(const ServeVerb& verb) {
  const Expected<DatabasePlace> place = verb.database.place();
  if (!place) return report("serve", place.error());
  const Expected<LoadedConfig> loaded = verb.settings.load();
  if (!loaded) return report("serve", loaded.error());
  StopHandle stop;
  const StopSignals signals(stop, StopSignals::Messages::none);
  ServeOptions options = verb.serve;
  if (options.listen.empty()) options.listen = "127.0.0.1:8080";
  const auto site = start_site(options, loaded->config, "--listen");
  if (!site) return report("serve", site.error());
  write_all(STDOUT_FILENO, "Serving " + shown(place->database) + " at " + (*site)->address() +
                               (options.edit ? " (captions can be edited)" : "") +
                               "; Ctrl-C ends it.\n");
  while (stop.requests() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return kExitDone;
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  CLI::App* const verb =
      app.add_subcommand("serve",
                         "a page over the archive in your browser: progress, photos, "
                         "search, corrections");
  const auto options = std::make_shared<ServeVerb>(*verb);
  add_serve_options(*verb, options->serve, "--listen", "Page");
  verb->footer(
      "It only reads, with or without a run; --edit lets the page change captions and steer\n"
      "runs. It also answers /livez, /readyz and /metrics (Prometheus). Examples:\n"
      "  photoscribe serve archive.db\n"
      "  photoscribe serve archive.db --edit --listen 9000\n"
      "  openssl rand -hex 24 > token; chmod 600 token\n"
      "  photoscribe serve archive.db --listen 0.0.0.0:8080 --token-file token\n"
      "From another machine without a token: ssh -L 8080:127.0.0.1:8080 THIS_MACHINE");
  verb->callback([options, &action] { action = [options] { return serve_page(*options); }; });
}

}  // namespace photoscribe::cli
