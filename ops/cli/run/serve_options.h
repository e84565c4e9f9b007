// serve_options: the page over an archive, for every verb that can show it: `serve`, and `run` and
// `scheduler` beside their work; and what the latter two answer to a monitor (--http).
#pragma once

#include <memory>
#include <string>

#include "common/core/error.h"
#include "common/http/probe_server.h"
#include "ops/cli/config/settings.h"
#include "ops/serve/site.h"
#include "scheduler/queue/run_monitor.h"

namespace photoscribe::cli {

struct ServeOptions {
  std::string listen;  // empty: no page
  std::string token_file;
  bool edit = false;
  int cache_mib = 512;
  std::string http;  // where probes and metrics are; empty: nowhere
};

/// What answers beside the work of `run` and `scheduler`.
struct SideServers {
  std::unique_ptr<serve::Site> page;          // null: no page was asked for
  std::unique_ptr<http::ProbeServer> probes;  // null: nor these
};

/// `where`: the name of the option that says where, such as --listen.
void add_serve_options(CLI::App& verb, ServeOptions& options, const std::string& where,
                       const std::string& group);

/// Starts the page where options.listen says. `where` begins messages. Fails as
/// serve::Site::start().
[[nodiscard]] Expected<std::unique_ptr<serve::Site>> start_site(
    const ServeOptions& options, const Config& config, const std::string& where,
    std::shared_ptr<const RunMonitor> monitor = nullptr);

/// For --serve and --http: starts what was asked for, the page on threads that give way to the
/// work. Says on standard error where it is. `monitor` is told how the work gets on.
[[nodiscard]] Expected<SideServers> start_side_servers(const ServeOptions& options,
                                                       const Settings& settings,
                                                       const std::shared_ptr<RunMonitor>& monitor);

}  // namespace photoscribe::cli
