// config: every setting that outlives one command, from four places: flags, then the environment,
// then one YAML file, then the defaults here.
//
// The structs are the documentation: one default and one unit each; the tables of fields add the
// line of help that `photoscribe config show` prints. A name that nothing knows is an error, since
// a misspelt `blur_treshold` must not silently mean the default. Which file and which folder is the
// caller's business: this reads what it is given.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/model_folder.h"
#include "common/core/remote_settings.h"
#include "common/core/schedule.h"
#include "common/core/spec.h"

namespace photoscribe {

struct WorkerConfig {
  std::optional<int> count;                // worker processes here; empty: one per GPU, else one
  std::string devices = "auto";            // auto | cpu | cuda:0,cuda:1
  std::optional<int> batch;                // photos per network call; empty: the worker decides
  std::optional<int> threads;              // CPU threads of each worker; empty: the worker decides
  std::string precision = "auto";          // on a CPU: auto | float32 | bfloat16 | int8
  std::optional<std::int64_t> memory_max;  // bytes each may hold; empty: no limit
  std::string executable;                  // photoscribe-worker; empty: the one beside photoscribe
  bool operator==(const WorkerConfig&) const = default;
};

struct RedisConfig {
  std::string url;            // redis://, rediss:// or unix:; empty: a private server
  std::string password_file;  // holds the password and nothing else; empty: none, or environment
  std::string server_executable = "redis-server";  // for the private server
  bool operator==(const RedisConfig&) const = default;
};

struct QueueConfig {
  std::int64_t window = 50'000;  // tasks enqueued and not yet recorded, at most
  bool operator==(const QueueConfig&) const = default;
};

/// Results that photos share.
struct ReuseConfig {
  std::int64_t remembered_max = 500'000;  // results kept in Redis for photos with the same bytes
  bool operator==(const ReuseConfig&) const = default;
};

/// Keys of the settings that a model may have of its own.
[[nodiscard]] std::set<std::string> settings_of_model();

struct Config {
  std::string database = "archive.db";
  std::string model;         // a model's folder; empty: the one that came with photoscribe
  std::string state_folder;  // logs and process ids; empty: DATABASE.state
  /// Of a run, but for what is the model's: its hash, its name and what is in `of_model`.
  RunSettings settings;
  /// Keys of settings (SettingField::key) that are left to the model, as all are that it may have.
  std::set<std::string> of_model = settings_of_model();
  LeaseSettings lease;
  WorkerConfig worker;
  RedisConfig redis;
  QueueConfig queue;
  ReuseConfig reuse;
  RemoteSettings remote;
  int watch_rescan_s = 600;  // a run that watches folders also walks them so often
  RunSchedule schedule;
  bool operator==(const Config&) const = default;
};

/// One flag of a command line that stands for a field.
struct ConfigFlag {
  std::string key;    // "search.beam", "database"
  std::string flag;   // "--beam", for messages
  std::string value;  // as typed
};

struct LoadedConfig {
  Config config;
  std::map<std::string, std::string> origins;  // key → what set it: "--beam", "PHOTOSCRIBE_…", file
  std::vector<std::string> warnings;           // environment variables that nothing reads
};

/// The environment variable of a field: PHOTOSCRIBE_ and its key in capitals, `.` as `_`; a key
/// that begins with its section's name does not say it twice (blur.blur_threshold →
/// PHOTOSCRIBE_BLUR_THRESHOLD).
[[nodiscard]] std::string environment_name(std::string_view key);

/// Every key, in the order of the file: "database", … "blur.mode", …
[[nodiscard]] std::vector<std::string> config_keys();

/// Puts the four places together. `file` empty: none. `environment`: "NAME=VALUE" entries, as
/// `environ` has them. Fails with invalid_config (file and environment: the message names line or
/// variable) or usage (a flag).
[[nodiscard]] Expected<LoadedConfig> load_config(const std::string& file,
                                                 const std::vector<std::string>& environment,
                                                 const std::vector<ConfigFlag>& flags);

/// The YAML text that reads back as the same configuration: every key, its help and its value.
[[nodiscard]] std::string to_yaml(const LoadedConfig& loaded);

/// The settings of a run with `model`; `model_name` is for people.
[[nodiscard]] RunSettings settings_for(const Config& config, const ModelFolder& model,
                                       std::string model_name);

}  // namespace photoscribe
