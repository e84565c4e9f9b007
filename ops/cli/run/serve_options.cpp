#include "ops/cli/run/serve_options.h"

#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "common/http/token_file.h"
#include "common/text/utf8.h"
#include "ops/cli/run/ask.h"
#include "ops/cli/run/database_option.h"
#include "ops/cli/run/fleet.h"
#include "ops/cli/run/picture_process.h"
#include "ops/cli/run/writer.h"
#include "ops/cli/terminal/terminal.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

constexpr int kPageNiceness = 5;

std::string user_name() {
  const passwd* const user = ::getpwuid(::getuid());
  return user != nullptr ? replaced(user->pw_name) : std::to_string(::getuid());
}

DatabasePlace archive_of(const Config& config) {
  const std::string& folder = config.state_folder;
  return {config.database, folder.empty() ? config.database + ".state" : folder, config.redis.url};
}

/// Judges the run's stored scores again, as `photoscribe run -o DB --blur-threshold N` does first.
Status rejudge(const std::string& database, const std::string& run, double threshold) {
  Expected<Store> store = Store::open_writer(database);
  if (!store) {
    Error error = store.error();
    if (error.code == Errc::store_locked) {
      error.message += "; the threshold can be changed when it has ended";
    }
    return fail(std::move(error));
  }
  const auto found = store->find_run(run);
  if (!found) return fail(found.error());
  if (!*found) return fail(Errc::usage, "there is no run " + run);
  RunSettings settings = (*found)->settings;
  settings.blur.blur_threshold = threshold;
  const auto judged = store->ensure_run(run, settings);
  if (!judged) return fail(judged.error());
  return {};
}

}  // namespace

void add_serve_options(CLI::App& verb, ServeOptions& options, const std::string& where,
                       const std::string& group) {
  verb.add_option(where, options.listen,
                  where == "--listen"
                      ? "[HOST:]PORT of the page (default: 127.0.0.1:8080); an address that\n"
                        "other machines reach needs --token-file"
                      : "show the page of `photoscribe serve` at [HOST:]PORT meanwhile")
      ->type_name("PLACE")
      ->group(group);
  verb.add_option("--token-file", options.token_file,
                  "only visitors with the token in this file see it; open /?token=… once")
      ->type_name("FILE")
      ->group(group);
  if (where == "--serve") {
    verb.add_option(
            "--http", options.http,
            "answer GET /livez, /readyz and /metrics (Prometheus) at [HOST:]PORT meanwhile;\n"
            "an address that other machines reach needs --token-file")
        ->type_name("PLACE")
        ->group(group);
  }
  verb.add_flag("--edit", options.edit,
                "the page may also edit captions, pause, resume, cancel and retry runs")
      ->group(group);
  verb.add_option("--thumbnails-mib", options.cache_mib,
                  "MiB of thumbnails kept in the user's cache folder (default: 512)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->group(group);
}

Expected<std::unique_ptr<serve::Site>> start_site(const ServeOptions& options, const Config& config,
                                                  const std::string& where,
                                                  std::shared_ptr<const RunMonitor> monitor) {
  serve::SiteOptions site;
  site.monitor = std::move(monitor);
  const auto place = http::parse_listen_place(options.listen, where);
  if (!place) return fail(place.error());
  site.place = *place;
  site.option = where;
  if (!options.token_file.empty()) {
    auto token = http::read_token(options.token_file);
    if (!token) return fail(token.error());
    site.token = std::move(*token);
  }
  site.database = config.database;
  site.edit = options.edit;
  site.edited_by = user_name();
  site.cache_folder = serve::user_cache_folder() + "/thumbnails";
  site.cache_bytes_max = std::int64_t{options.cache_mib} << 20;
  site.pictures = [config] { return new_picture_maker(config); };
  const DatabasePlace archive = archive_of(config);
  site.writer = [database = config.database]() -> std::optional<std::int64_t> {
    const auto pid = current_writer(database);
    return pid ? std::optional<std::int64_t>(*pid) : std::nullopt;
  };
  site.workers = [archive]() -> Expected<nlohmann::json> {
    if (!current_writer(archive.database)) return fail(Errc::run_gone, "no scheduler is running");
    const auto fleet = fetch_fleet(archive, archive.redis_url);
    if (!fleet) return fail(fleet.error());
    return fleet_json(*fleet);
  };
  site.steer = [archive](const ControlRequest& request) { return ask_or_do(archive, request); };
  site.rejudge = [database = config.database](const std::string& run, double threshold) {
    return rejudge(database, run, threshold);
  };
  return serve::Site::start(std::move(site));
}

Expected<SideServers> start_side_servers(const ServeOptions& options, const Settings& settings,
                                         const std::shared_ptr<RunMonitor>& monitor) {
  if (options.listen.empty() && options.edit) {
    return fail(Errc::usage,
                "--edit is for the page: give its place, such as --serve 127.0.0.1:8080");
  }
  if (options.listen.empty() && options.http.empty() && !options.token_file.empty()) {
    return fail(Errc::usage,
                "--token-file is for the page and the metrics: give a place, such as --serve "
                "127.0.0.1:8080 or --http 127.0.0.1:9101");
  }
  SideServers servers;
  if (!options.http.empty()) {
    http::ProbeSources sources;
    sources.health = [monitor] { return monitor->health.report(); };
    sources.metrics = [monitor] { return monitor->text(); };
    auto probes = http::ProbeServer::start({options.http, options.token_file}, std::move(sources));
    if (!probes) return fail(probes.error());
    servers.probes = std::move(*probes);
    write_all(STDERR_FILENO, "the metrics: " + servers.probes->address() + "metrics\n");
  }
  if (options.listen.empty()) return servers;
  const Expected<LoadedConfig> loaded = settings.load();
  if (!loaded) return fail(loaded.error());
  Expected<std::unique_ptr<serve::Site>> site = fail(Errc::internal, "--serve");
  // Threads inherit the niceness of the thread that starts them.
  std::thread([&] {
    setpriority(PRIO_PROCESS, 0, kPageNiceness);
    site = start_site(options, loaded->config, "--serve", monitor);
  }).join();
  if (!site) return fail(site.error());
  servers.page = std::move(*site);
  write_all(STDERR_FILENO, "the page: " + servers.page->address() + "\n");
  return servers;
}

}  // namespace photoscribe::cli
