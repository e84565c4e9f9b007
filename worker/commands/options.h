// options: the command line of `photoscribe-worker --redis URL …` as data.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/http/probe_server.h"
#include "common/redis/endpoint.h"
#include "models/captioner.h"
#include "worker/photo/open_beneath.h"

namespace CLI {
class App;
}

namespace photoscribe {

struct WorkerOptions {
  std::string redis_url;
  std::vector<std::string> roots;         // NAME=FOLDER
  std::vector<std::string> follow_links;  // links that leave their root may lead there
  std::string remote;                     // JSON of RemoteSettings; empty: the defaults
  std::string model_folder;
  std::string devices = "auto";  // auto | cpu | cuda:0,cuda:1 …
  int batch = 0;                 // images sent to a device at once; 0: by device
  int threads = 0;               // CPU threads in all; 0: as many as this process may use
  Precision precision = Precision::automatic;  // on a CPU
  std::int64_t memory_max_bytes = 0;           // resident; 0: no limit
  http::ProbeOptions http;                     // listen empty: no server
  std::string name_prefix;
  bool supervised = false;  // standard input is a pipe from the parent; its end means: stop
};

/// Declares the options on `app`, to be parsed into `options`, which must outlive it.
void declare_options(CLI::App& app, WorkerOptions& options);

/// The server, its password taken from the environment. A password in the URL is refused (usage):
/// every user of the machine can read a command line.
[[nodiscard]] Expected<redis::Endpoint> endpoint_of(const WorkerOptions& options);

/// Of folders, web servers (https://HOST) and buckets (s3://BUCKET). Fails with usage on a
/// malformed or repeated name, with environment on a folder that is not there, or whose storage has
/// not answered after `answer_limit`. That default makes a worker live long enough for its
/// supervisor to start it again and again until the storage is back.
[[nodiscard]] Expected<Roots> roots_of(
    const WorkerOptions& options,
    std::chrono::milliseconds answer_limit = std::chrono::seconds(31));

/// "auto" is `available`; else the list as given. Fails with usage on an empty or unknown name, or
/// one that is neither cpu nor among `available`.
[[nodiscard]] Expected<std::vector<std::string>> devices_of(
    const WorkerOptions& options, const std::vector<std::string>& available);

/// How the cores are shared out. `cores` >= 1: what the process may use.
struct ThreadPlan {
  int decode = 1;           // pool that reads, decodes and judges blur
  int decoding_max = 0;     // PipelineConfig
  int read_ahead = 0;       // PipelineConfig
  int decode_niceness = 0;  // so that it does not stall the network where both share the cores
  int network = 1;          // of each captioner; matters on the CPU only
  int lanes = 1;            // captioners side by side on a CPU, each with photos of its own
  std::size_t batch = 1;
};
[[nodiscard]] ThreadPlan plan_threads(const WorkerOptions& options,
                                      const std::vector<std::string>& devices, int cores);

}  // namespace photoscribe
