#include "ops/cli/doctor/doctor_checks.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/core/model_folder.h"
#include "common/redis/server_info.h"
#include "common/sqlite/storage.h"
#include "common/text/escape.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/config/locate.h"
#include "ops/cli/run/ask_redis.h"
#include "ops/cli/run/child_output.h"
#include "ops/cli/run/workers_here.h"
#include "ops/cli/run/writer.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string folder_of(const std::string& database) {
  const fs::path parent = fs::path(database).parent_path();
  return parent.empty() ? "." : parent.string();
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// The last line that is not empty: the error message of a program that failed.
std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

redis::asio::awaitable<Expected<redis::ServerInfo>> ask_server(redis::Connection& connection) {
  const Status connected = co_await connection.connect();
  if (!connected) co_return fail(connected.error());
  co_return co_await redis::read_server_info(connection);
}

std::string cure_of(const Error& error) {
  const auto says = [&error](std::string_view words) {
    return error.message.find(words) != std::string::npos;
  };
  if (says("NOAUTH") || says("WRONGPASS") || says("invalid password") || says("password")) {
    return "give the password that the server has for that user: PHOTOSCRIBE_REDIS_PASSWORD, or a "
           "file that PHOTOSCRIBE_REDIS_PASSWORD_FILE names";
  }
  if (says("NOPERM") || says("redis-users.conf")) {
    return "give the user the rights that ops/config/redis-users.conf lists";
  }
  if (says("TLS") || says("authorities")) {
    return says("certificate") || says("authorities")
               ? "?ca=FILE with the authority that signed the server's certificate, and the host "
                 "name that it is for"
               : "a server with TLS at rediss://…; redis://… where it has none";
  }
  if (says("cannot find host")) return "correct the host name in the URL, or the name server";
  if (error.code == Errc::usage || error.code == Errc::invalid_config) {
    return "correct the URL: redis://HOST:PORT, rediss://…, redis+sentinel://… or unix:PATH";
  }
  if (error.code == Errc::redis_refused) return "see what the server says, and fix that";
  return "start the server, or omit --redis to use a private one";
}

Check check_redis_url(const std::string& url) {
  const Expected<redis::ServerInfo> info = ask_redis<redis::ServerInfo>(url, ask_server);
  if (!info) {
    return {"Redis", CheckHealth::bad, info.error().message, cure_of(info.error())};
  }
  const std::string limit = info->maxmemory == 0 ? "no memory limit"
                                                 : bytes_text(info->maxmemory) +
                                                       " at most, policy " + info->maxmemory_policy;
  const std::string finding = url + ": version " + info->version + ", " + limit;
  if (const Status fit = redis::check_server(*info); !fit) {
    return {
        "Redis", CheckHealth::bad, finding + ": " + fit.error().message,
        "a server of version 6.2 or later that is not a replica, with maxmemory-policy noeviction"};
  }
  return {"Redis", CheckHealth::good, finding, ""};
}

std::string text_at(const nlohmann::json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || at->is_null()) return {};
  return at->is_string() ? at->get<std::string>() : at->dump();
}

Check blas_check(const nlohmann::json& answer) {
  const nlohmann::json blas = answer.at("blas");
  if (!blas.contains("gflops")) {
    return {"BLAS", CheckHealth::good, shown(blas.at("library").get<std::string>()), ""};
  }
  const double gflops = blas.value("gflops", 0.0);
  // Debian's reference BLAS does about 5 per core, OpenBLAS about 100 (design.md 12).
  constexpr double kSlow = 15;
  std::string finding = rate_text(gflops) + " GFLOP/s on one thread";
  if (const std::string library = text_at(blas, "library"); !library.empty()) {
    finding += " (" + shown(library) + ")";
  }
  if (gflops >= kSlow) return {"BLAS", CheckHealth::good, finding, ""};
  return {"BLAS", CheckHealth::bad,
          finding + ": the reference BLAS, twenty times slower than OpenBLAS",
          "apt-get install libopenblas0-pthread; if it is there: update-alternatives --config "
          "libblas.so.3-x86_64-linux-gnu"};
}

Check device_check(const nlohmann::json& answer, int gpus) {
  std::string names;
  bool has_gpu = false;
  for (const nlohmann::json& device : answer.value("devices", nlohmann::json::array())) {
    const std::string name =
        device.is_object() ? text_at(device, "name") : device.get<std::string>();
    names += (names.empty() ? "" : ", ") + shown(name);
    has_gpu = has_gpu || name.starts_with("cuda");
  }
  if (gpus > 0 && !has_gpu) {
    return {"devices", CheckHealth::warning,
            names + ": this machine has " + counted(gpus, "GPU") +
                ", but photoscribe-worker was built with a LibTorch for CPUs",
            "build against a LibTorch with CUDA: README, \"On a GPU\""};
  }
  return {"devices", CheckHealth::good, names, ""};
}

Check loading_check(const nlohmann::json& answer) {
  const nlohmann::json model = answer.value("model", nlohmann::json::object());
  if (model.value("loads", false)) {
    std::string finding = "the worker loads it";
    if (model.contains("seconds")) finding += " in " + duration_text(model.value("seconds", 0.0));
    return {"weights", CheckHealth::good, finding, ""};
  }
  return {"weights", CheckHealth::bad, shown(text_at(model, "error")),
          "put a whole model folder there, or name another one with --model"};
}

}  // namespace

std::vector<Check> check_database(const Config& config) {
  const std::string place = shown(config.database);
  const std::string folder = folder_of(config.database);
  if (const Status storage = sqlite::check_storage(config.database); !storage) {
    return {{"database", CheckHealth::bad, storage.error().message,
             "put it on a local disk with -o FILE (or PHOTOSCRIBE_DATABASE)"}};
  }
  if (access(folder.c_str(), W_OK) != 0) {
    return {{"database", CheckHealth::bad, shown(folder) + ": " + std::strerror(errno),
             "choose a folder that you may write in, with -o FILE"}};
  }
  std::error_code ignored;
  if (!fs::exists(config.database, ignored)) {
    return {{"database", CheckHealth::good, place + ": does not exist yet; its folder can hold it",
             ""}};
  }
  std::vector<Check> checks;
  Expected<Store> store = Store::open_reader(config.database);
  const auto runs = store ? store->runs() : tl::unexpected<Error>(store.error());
  if (!runs) {
    checks.push_back({"database", CheckHealth::bad, runs.error().message,
                      "restore it from a backup, or name another one with -o FILE"});
  } else {
    checks.push_back({"database", CheckHealth::good,
                      place + ": " + counted(static_cast<std::int64_t>(runs->size()), "run"), ""});
  }
  if (const auto writer = current_writer(config.database)) {
    checks.push_back({"writer", CheckHealth::good,
                      "process " + std::to_string(*writer) + " is at work on " + place, ""});
  }
  return checks;
}

Check check_disk(const Config& config) {
  const std::string folder = folder_of(config.database);
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0) {
    return {"disk", CheckHealth::bad, shown(folder) + ": " + std::strerror(errno),
            "choose another folder"};
  }
  const auto free = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
  const std::string finding = bytes_text(free) + " free in " + shown(folder);
  // About 1 kB per photo, references and index included.
  constexpr std::int64_t kTight = 2'000'000'000, kTooLittle = 100'000'000;
  if (free >= kTight) return {"disk", CheckHealth::good, finding, ""};
  return {"disk", free < kTooLittle ? CheckHealth::bad : CheckHealth::warning, finding,
          "a million photos take about 1 GB of database: make room, or use another disk with -o"};
}

Check check_model(const Config& config) {
  const Expected<std::string> folder = find_model_folder(config);
  const std::string cure = "name a model's folder with --model or PHOTOSCRIBE_MODEL";
  if (!folder) return {"model", CheckHealth::bad, folder.error().message, cure};
  const Expected<ModelFolder> model = read_model_folder(*folder);
  if (!model) return {"model", CheckHealth::bad, model.error().message, cure};
  return {"model", CheckHealth::good,
          shown(model->name) + " " + model->hash.substr(0, 12) + " (" +
              model->architecture.encoder + ", " + model->architecture.decoder + ", beam " +
              std::to_string(model->search.beam) + ") in " + shown(*folder),
          ""};
}

std::string redis_version_from(const std::string& text) {
  // "Redis server v=7.0.15 sha=…", "Valkey server v=8.1.1 sha=…"
  const auto at = text.find(" v=");
  if (at == std::string::npos) return {};
  return text.substr(at + 3, text.find(' ', at + 3) - at - 3);
}

Check check_redis(const Config& config) {
  if (!config.redis.url.empty()) return check_redis_url(config.redis.url);
  const std::string& program = config.redis.server_executable;
  const std::string install = "apt-get install redis-server, or name a server with --redis URL";
  const Expected<ChildOutput> answer = run_child({program, "--version"}, 5s);
  if (!answer || answer->exit_status != 0) {
    return {"Redis", CheckHealth::bad,
            answer ? shown(program) + ": " + last_line(answer->err) : answer.error().message,
            install};
  }
  const std::string version = redis_version_from(answer->out);
  int major = 0, minor = 0;
  if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) != 2) {
    return {"Redis", CheckHealth::bad, shown(program) + ": " + shown(first_line(answer->out)),
            install};
  }
  const std::string finding =
      shown(program) + " " + version + "; a private server without TCP port is started per run";
  if (major < 6 || (major == 6 && minor < 2)) {
    return {"Redis", CheckHealth::bad, finding + ": too old", "Redis 6.2 or later, or Valkey"};
  }
  return {"Redis", CheckHealth::good, finding, ""};
}

std::vector<Check> worker_checks_from(const std::string& text, int gpus) {
  try {
    const nlohmann::json answer = nlohmann::json::parse(text);
    return {blas_check(answer), device_check(answer, gpus), loading_check(answer)};
  } catch (const nlohmann::json::exception& e) {
    return {{"worker", CheckHealth::bad, std::string("its answer cannot be read: ") + e.what(),
             "build photoscribe and photoscribe-worker from the same source: ops/setup"}};
  }
}

std::vector<Check> check_worker(const Config& config) {
  const Expected<std::string> worker = find_worker(config);
  if (!worker) return {{"worker", CheckHealth::bad, worker.error().message, "ops/setup builds it"}};
  std::vector<std::string> words{*worker, "check", "--json"};
  if (const Expected<std::string> model = find_model_folder(config)) {
    words.insert(words.end(), {"--model", *model});
  }
  const Expected<ChildOutput> answer = run_child(words, 120s);
  if (!answer) {
    return {{"worker", CheckHealth::bad, answer.error().message,
             "run it by hand: " + shell_quoted(*worker) + " check"}};
  }
  if (answer->out.empty()) {
    return {{"worker", CheckHealth::bad,
             shown(*worker) + " ended with status " + std::to_string(answer->exit_status) + ": " +
                 shown(last_line(answer->err)),
             "run it by hand: " + shell_quoted(*worker) + " check"}};
  }
  return worker_checks_from(answer->out, gpus_here());
}

Check check_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const std::string finding = grouped(static_cast<std::int64_t>(limit.rlim_cur)) + " per process";
  constexpr rlim_t kEnough = 512;  // sockets, logs and the photos that decoding threads hold
  if (limit.rlim_cur >= kEnough) return {"open files", CheckHealth::good, finding, ""};
  return {"open files", CheckHealth::warning, finding, "ulimit -n 4096 before photoscribe run"};
}

}  // namespace photoscribe::cli
