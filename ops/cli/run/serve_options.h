// serve_options: the web page of an archive, for every verb that can serve it: `serve`, and `run`
// and `scheduler` beside their work; and the latter two's endpoints for monitoring (--http).
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
  std::string http;  // place of the probes and metrics; empty: none
};

/// The servers that `run` and `scheduler` have beside their work.
struct SideServers {
  std::unique_ptr<serve::Site> page;          // null: no page was asked for
  std::unique_ptr<http::ProbeServer> probes;  // null: no probes were asked for
};

/// `where`: the option for the page's place, such as --listen.
void add_serve_options(CLI::App& verb, ServeOptions& options, const std::string& where,
                       const std::string& group);

/// Starts the page at options.listen. `where` begins messages. Fails as serve::Site::start().
[[nodiscard]] Expected<std::unique_ptr<serve::Site>> start_site(
    const ServeOptions& options, const Config& config, const std::string& where,
    std::shared_ptr<const RunMonitor> monitor = nullptr);

/// For --serve and --http: starts what was asked for, the page on threads of lower priority than
/// the work, and prints its address to standard error. `monitor` follows the work.
[[nodiscard]] Expected<SideServers> start_side_servers(const ServeOptions& options,
                                                       const Settings& settings,
                                                       const std::shared_ptr<RunMonitor>& monitor);

}  // namespace photoscribe::cli
