// worker: photoscribe-worker, configured like the other verbs: by flags, environment and file.
#include <filesystem>
#include <memory>
#include <utility>

#include "common/http/probe_server.h"
#include "ops/cli/config/locate.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/process/program.h"

namespace photoscribe::cli {
namespace {

struct WorkerVerbOptions {
  explicit WorkerVerbOptions(CLI::App& verb) : settings(verb) {}
  Settings settings;
  std::vector<std::string> roots, follow_links;
  std::string name_prefix;
  http::ProbeOptions http;
};

Expected<std::vector<std::string>> command_of(const WorkerVerbOptions& options) {
  const Expected<LoadedConfig> loaded = options.settings.load();
  if (!loaded) return fail(loaded.error());
  const Config& config = loaded->config;
  if (config.redis.url.empty()) {
    return fail(Errc::usage, "--redis: name the server, such as --redis redis://host:6379");
  }
  const Expected<std::string> worker = find_worker(config);
  if (!worker) return fail(worker.error());
  const Expected<std::string> model = find_model_folder(config);
  if (!model) return fail(model.error());
  std::vector<std::string> words{*worker,
                                 "--redis",
                                 config.redis.url,
                                 "--model",
                                 std::filesystem::absolute(*model).string(),
                                 "--devices",
                                 config.worker.devices};
  words.insert(words.end(), {"--remote", to_json(config.remote)});
  for (const std::string& root : options.roots) words.insert(words.end(), {"--root", root});
  for (const std::string& path : options.follow_links)
    words.insert(words.end(), {"--follow-links", path});
  const auto number = [&](const char* flag, const auto& value) {
    if (value) words.insert(words.end(), {flag, std::to_string(*value)});
  };
  number("--batch", config.worker.batch);
  number("--threads", config.worker.threads);
  words.insert(words.end(), {"--precision", config.worker.precision});
  number("--memory-max", config.worker.memory_max);
  if (!options.http.listen.empty()) words.insert(words.end(), {"--http", options.http.listen});
  if (!options.http.token_file.empty()) {
    words.insert(words.end(), {"--token-file", options.http.token_file});
  }
  if (!options.name_prefix.empty()) {
    words.insert(words.end(), {"--name-prefix", options.name_prefix});
  }
  return words;
}

int become_worker(const WorkerVerbOptions& options) {
  Expected<std::vector<std::string>> words = command_of(options);
  if (!words) return report("worker", words.error());
  return report("worker", become_program(std::move(*words)));
}

}  // namespace

void add_worker(CLI::App& app, Action& action) {
  CLI::App* const verb =
      app.add_subcommand("worker", "caption photos for a scheduler, here or on another machine");
  const auto options = std::make_shared<WorkerVerbOptions>(*verb);
  Settings& s = options->settings;
  s.flag("--redis", "redis.url", "URL", kRedisHelp);
  verb->add_option("--root", options->roots,
                   "where a root of the runs is on this machine, or https://HOST or s3://BUCKET\n"
                   "(repeatable); `photoscribe status` has the names")
      ->type_name("NAME=FOLDER")
      ->allow_extra_args(false)
      ->required();
  verb->add_option(
          "--follow-links", options->follow_links,
          "a folder outside the roots that links may lead to, on this machine (repeatable)")
      ->type_name("PATH")
      ->allow_extra_args(false);
  s.flag("--model", "model", "fast|best|FOLDER", "the model of the runs (default: fast)");
  s.flag("--devices", "worker.devices", "LIST", "auto, cpu or cuda:0,cuda:1 (default: auto)");
  s.flag("--batch", "worker.batch", "N", "photos per network call (default: automatic)");
  s.flag("--threads", "worker.threads", "N", "CPU threads in all (default: every core)");
  s.flag("--precision", "worker.precision", "auto|float32|bfloat16|int8",
         "numbers that a CPU multiplies (default: auto, the fastest that it has)");
  s.flag("--memory-max", "worker.memory_max", "SIZE",
         "memory it may use, such as 2GiB, before it asks to be replaced");
  s.remote_flags();
  verb->add_option("--http", options->http.listen,
                   "answer GET /livez, /readyz and /metrics (Prometheus) there, on 127.0.0.1\n"
                   "unless HOST says otherwise, and then only with --token-file")
      ->type_name("[HOST:]PORT");
  verb->add_option("--token-file", options->http.token_file,
                   "who asks for /metrics needs the token in this file")
      ->type_name("FILE");
  verb->add_option("--name-prefix", options->name_prefix, "prefix of this worker's name")
      ->type_name("S");
  verb->footer(
      "Becomes photoscribe-worker: SIGTERM or Ctrl-C finishes what is in the network and hands "
      "the\n"
      "rest back. Any number, on any machine, may come and go.\n"
      "Example:\n"
      "  photoscribe worker --redis rediss://queue.example:6380 --root archive=/net/archive");
  verb->callback([options, &action] { action = [options] { return become_worker(*options); }; });
}

}  // namespace photoscribe::cli
