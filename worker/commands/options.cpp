#include "worker/commands/options.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "common/core/device_list.h"
#include "common/remote/photo_url.h"
#include "common/text/escape.h"
#include "worker/photo/link_stores.h"
#include "worker/photo/remote_photos.h"

namespace photoscribe {
namespace {

// Larger batches no longer help a CPU and delay results; a GPU wants many more images at once.
constexpr std::size_t kBatchCpu = 16, kBatchGpu = 256;

constexpr int kDecodeNiceness = 5;
constexpr int kLanesMax = 8;
// Threads more that read while files are not in the page cache. They sleep otherwise, and cost no
// core while they wait; ten reads at a time are what storage on a network wants, and a disk sorts.
constexpr int kReadAheadMin = 8;
// A worker may start before its network, or a server's name, is there. Long enough for a minute
// without, between two looks of a root that is dead (root_keeper.cpp: half a minute apart at most);
// who mistyped a name waits as long.
constexpr std::chrono::seconds kUnknownHostPatience{90};

/// `look` on a thread that may hang with a dead mount, and is then left behind.
template <class Look>
auto in_time(const std::string& what, std::chrono::milliseconds limit, Look look)
    -> decltype(look()) {
  std::packaged_task<decltype(look())()> task(std::move(look));
  auto seen = task.get_future();
  std::thread(std::move(task)).detach();
  if (seen.wait_for(limit) == std::future_status::ready) return seen.get();
  return fail(Errc::environment, what +
                                     ": the storage does not answer; see whether its server can "
                                     "be reached, or unmount it");
}

/// Where links of the roots may lead: into each other, and to what --follow-links names.
std::shared_ptr<const LinkStores> stores_of(const WorkerOptions& options, const Roots& roots,
                                            std::chrono::milliseconds limit) {
  std::vector<std::string> places;
  for (const auto& [name, root] : roots) {
    if (root.remote() == nullptr) places.push_back(root.real_folder());
  }
  for (const std::string& path : options.follow_links) {
    const auto real = in_time("--follow-links " + path, limit, [path]() -> Expected<std::string> {
      const std::unique_ptr<char, decltype(&std::free)> found(::realpath(path.c_str(), nullptr),
                                                              &std::free);
      if (!found) return fail(Errc::environment, "--follow-links " + path + ": is not there");
      return std::string(found.get());
    });
    if (!real) spdlog::warn("msg=\"no place for links\" error={}", log_value(real.error().message));
    places.push_back(real.value_or(path));  // it may come back
  }
  return std::make_shared<const LinkStores>(std::move(places));
}

Error repeated(const std::string& root, const std::string& name) {
  return {Errc::usage, "--root " + root + ": there is another root called " + name};
}

/// All of them share one client, whose connections go wherever they are needed.
Expected<PhotoRoot> server_of(const std::string& name, const std::string& folder,
                              const WorkerOptions& options, std::shared_ptr<HttpClient>& client) {
  const Expected<PhotoUrl> url = parse_photo_url(folder);
  if (!url) return fail(Errc::usage, "--root " + name + ": " + url.error().message);
  if (!url->path.empty())
    return fail(Errc::usage, "--root " + name + ": name a server or bucket, without a path");
  if (!client) {
    const Expected<RemoteSettings> settings =
        options.remote.empty() ? RemoteSettings() : parse_remote_settings(options.remote);
    if (!settings) return fail(settings.error());
    client = std::make_shared<HttpClient>(*settings);
  }
  auto photos = RemotePhotos::open(url->root, client, kUnknownHostPatience);
  if (!photos) return fail(photos.error().code, "root " + name + ": " + photos.error().message);
  return PhotoRoot::of_server(name, url->root, std::move(*photos));
}

bool is_gpu(const std::string& device) { return device.starts_with("cuda"); }

}  // namespace

void declare_options(CLI::App& app, WorkerOptions& options) {
  app.add_option(
         "--redis", options.redis_url,
         "server: redis://HOST:PORT/DB, rediss://… (TLS), redis+sentinel://HOST,HOST/SERVICE or "
         "unix:/SOCKET; the password in "
         "PHOTOSCRIBE_REDIS_PASSWORD or in the file that PHOTOSCRIBE_REDIS_PASSWORD_FILE "
         "names")
      ->type_name("URL");
  app.add_option("--root", options.roots,
                 "folder of photos under the name that runs know it by, or https://HOST or "
                 "s3://BUCKET; may be repeated")
      ->type_name("NAME=FOLDER");
  app.add_option("--remote", options.remote,
                 "how photos are fetched from web servers, as `photoscribe` hands it on")
      ->type_name("JSON");
  app.add_option("--follow-links", options.follow_links,
                 "a folder outside the roots that links may lead to (other roots they may anyway)")
      ->type_name("PATH")
      ->allow_extra_args(false);
  app.add_option("--model", options.model_folder, "the model's folder")->type_name("DIR");
  app.add_option("--devices", options.devices, "auto, cpu, or a list such as cuda:0,cuda:1")
      ->type_name("LIST")
      ->capture_default_str();
  app.add_option("--batch", options.batch, "images sent to a device at once; 0: automatic")
      ->check(CLI::Range(0, 4096));
  app.add_option("--threads", options.threads, "CPU threads in all; 0: every core")
      ->check(CLI::Range(0, 1024));
  app.add_option_function<std::string>(
         "--precision",
         [&options](const std::string& name) { options.precision = *precision_from_string(name); },
         "numbers that a CPU multiplies; auto: the fastest that it has")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "int8"}))
      ->default_str("auto");
  app.add_option("--memory-max", options.memory_max_bytes,
                 "memory it may use, such as 2GiB; above that it finishes what is in hand and "
                 "exits, to be restarted; 0: no limit")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("BYTES");
  app.add_option("--http", options.http.listen,
                 "answer GET /livez, /readyz and /metrics (Prometheus) there, on 127.0.0.1 unless "
                 "HOST says otherwise, and then only with --token-file")
      ->type_name("[HOST:]PORT");
  app.add_option("--token-file", options.http.token_file,
                 "who asks for /metrics needs the token in this file")
      ->type_name("FILE");
  app.add_option("--name-prefix", options.name_prefix, "prefix of this worker's name")
      ->type_name("S");
  app.add_flag("--supervised", options.supervised,
               "stop when standard input, a pipe from the parent, ends");
}

Expected<redis::Endpoint> endpoint_of(const WorkerOptions& options) {
  if (options.redis_url.empty()) {
    return fail(Errc::usage, "--redis: name the server, such as --redis redis://host:6379");
  }
  auto endpoint = redis::parse_endpoint(options.redis_url);
  if (!endpoint) return fail(endpoint.error());
  if (endpoint->password_in_url) {
    return fail(Errc::usage,
                "--redis: a password on the command line can be read by every user of this "
                "machine; leave it out of the URL and put it into PHOTOSCRIBE_REDIS_PASSWORD, or "
                "into a file named by PHOTOSCRIBE_REDIS_PASSWORD_FILE");
  }
  if (const Status taken = redis::take_password_from_environment(*endpoint); !taken) {
    return fail(taken.error());
  }
  return endpoint;
}

Expected<Roots> roots_of(const WorkerOptions& options, std::chrono::milliseconds answer_limit) {
  if (options.roots.empty()) {
    return fail(Errc::usage, "--root: name at least one folder of photos, as NAME=FOLDER");
  }
  Roots roots;
  std::shared_ptr<HttpClient> client;
  std::optional<Error> not_there;
  bool some_there = false;
  for (const auto& text : options.roots) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
      return fail(Errc::usage, "--root " + text + ": write NAME=FOLDER");
    }
    const std::string name = text.substr(0, equals);
    const std::string folder = text.substr(equals + 1);
    if (is_remote(folder)) {
      auto server = server_of(name, folder, options, client);
      if (!server) return fail(server.error());
      some_there = true;
      if (!roots.emplace(name, std::move(*server)).second) return fail(repeated(text, name));
      continue;
    }
    auto root = in_time("root " + name + "=" + folder, answer_limit,
                        [name, folder] { return PhotoRoot::open(name, folder); });
    if (!root) {  // other roots go on without it, and it may come back
      not_there = root.error();
      spdlog::warn("msg=\"root is not there\" error={}", log_value(root.error().message));
      root = PhotoRoot::awaited(name, folder);
    } else {
      some_there = true;
    }
    if (!roots.emplace(name, std::move(*root)).second) {
      return fail(repeated(text, name));
    }
  }
  // Whoever supervises this worker had found the photos there.
  if (!some_there && !options.supervised) return fail(*not_there);
  const auto stores = stores_of(options, roots, answer_limit);
  for (auto& [name, root] : roots) root.let_links_lead_to(stores);
  return roots;
}

Expected<std::vector<std::string>> devices_of(const WorkerOptions& options,
                                              const std::vector<std::string>& available) {
  Expected<std::vector<std::string>> devices = parse_device_list(options.devices);
  if (!devices) {
    return fail(Errc::usage, "--devices " + options.devices + ": " + devices.error().message);
  }
  if (devices->empty()) return available;
  for (const std::string& name : *devices) {
    const bool there = std::find(available.begin(), available.end(), name) != available.end();
    if (there || name == "cpu") continue;
    std::string found;
    for (const std::string& one : available) found += (found.empty() ? "" : ",") + one;
    return fail(Errc::usage, "--devices " + options.devices + ": " + name +
                                 " is not there; LibTorch finds " + found);
  }
  return devices;
}

ThreadPlan plan_threads(const WorkerOptions& options, const std::vector<std::string>& devices,
                        int cores) {
  const int threads = std::max(1, options.threads > 0 ? options.threads : cores);
  const bool on_gpu = std::any_of(devices.begin(), devices.end(), is_gpu);
  ThreadPlan plan;
  plan.decode = threads;
  // Threads of one network meet after each layer, and those of its search after each word, so
  // photos are shared out instead: measured on two cores, two lanes caption 1.9 x as many as one,
  // one lane of two threads 1.2 x. Each lane holds the model once, hence the limit.
  plan.lanes = on_gpu ? 1 : std::min(threads, kLanesMax);
  plan.network = std::max(1, threads / plan.lanes);
  // A network's thread that waits for a core holds up those of its lane. Decoders
  // run in the gaps, which are there as soon as the network has nothing to do.
  plan.decode_niceness = on_gpu ? 0 : kDecodeNiceness;
  plan.batch = options.batch > 0 ? static_cast<std::size_t>(options.batch)
                                 : (on_gpu ? kBatchGpu : kBatchCpu);
  const bool remote = std::any_of(options.roots.begin(), options.roots.end(), [](const auto& root) {
    return is_remote(root.substr(root.find('=') + 1));
  });
  plan.read_ahead = std::max(kReadAheadMin, plan.decode / 2);
  if (remote) {  // a thread that waits for a server costs no core
    plan.read_ahead = 0;
    plan.decoding_max = plan.decode;
    const auto settings = parse_remote_settings(options.remote).value_or(RemoteSettings());
    plan.decode = std::max(plan.decode, settings.connections);
  }
  return plan;
}

}  // namespace photoscribe
