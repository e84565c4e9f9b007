#include "worker/commands/check_command.h"

#include <dlfcn.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "common/core/model_folder.h"
#include "common/text/utf8.h"
#include "models/captioner.h"

namespace photoscribe {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Times the matrix product that LibTorch itself would call, found among the libraries that are
/// loaded: that is the one whose absence makes captioning twenty times slower (design.md 12).
Json measure_blas() {
  using Sgemm = void (*)(const char*, const char*, const int*, const int*, const int*, const float*,
                         const float*, const int*, const float*, const int*, const float*, float*,
                         const int*);
  Json blas;
  const auto sgemm = reinterpret_cast<Sgemm>(dlsym(RTLD_DEFAULT, "sgemm_"));
  if (sgemm == nullptr) {
    blas["library"] = "inside LibTorch";
    return blas;
  }
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(sgemm), &info) != 0 && info.dli_fname != nullptr) {
    blas["library"] = replaced(info.dli_fname);
  }
  using SetThreads = void (*)(int);
  const auto set_threads =
      reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (set_threads != nullptr) set_threads(1);
  const int n = 512;
  const auto size = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  std::vector<float> a(size, 0.5F), b(size, 0.25F), c(size);
  const float one = 1, zero = 0;
  // The first call warms up; the best of the others counts, since the machine may be busy.
  double best = 0;
  const auto end = Clock::now() + std::chrono::milliseconds(300);
  for (int i = 0; i < 2 || Clock::now() < end; ++i) {
    const auto start = Clock::now();
    sgemm("N", "N", &n, &n, &n, &one, a.data(), &n, b.data(), &n, &zero, c.data(), &n);
    if (i > 0) best = std::max(best, 2.0 * n * n * n / seconds_since(start) / 1e9);
  }
  blas["gflops"] = best;
  return blas;
}

Json try_model(const std::string& folder, const std::string& device) {
  Json model;
  model["loads"] = false;
  if (folder.empty()) {
    model["error"] = "no model's folder was named; name one with --model";
    return model;
  }
  model["folder"] = replaced(folder);
  const auto read = read_model_folder(folder);
  if (!read) {
    model["error"] = replaced(read.error().message);
    return model;
  }
  model["name"] = replaced(read->name);
  model["hash"] = read->hash;
  CaptionerConfig config;
  config.model_folder = folder;
  config.device = device;
  config.search = read->search;
  const auto start = Clock::now();
  const auto captioner = open_captioner(config);
  if (!captioner) {
    model["error"] = replaced(captioner.error().message);
    return model;
  }
  model["loads"] = true;
  model["device"] = device;
  model["seconds"] = seconds_since(start);
  return model;
}

}  // namespace

int run_check_command(const std::string& model_folder, bool json, std::ostream& out) {
  Json answer;
  answer["blas"] = measure_blas();
  const std::vector<std::string> devices = available_devices();
  answer["devices"] = devices;
  answer["model"] = try_model(model_folder, devices.empty() ? "cpu" : devices.front());
  const bool loads = answer["model"]["loads"].get<bool>();
  if (json) {
    out << answer.dump() << '\n';
  } else {
    out << "BLAS     " << answer["blas"].dump() << "\ndevices  " << answer["devices"].dump()
        << "\nmodel    " << answer["model"].dump() << '\n';
  }
  out.flush();
  return loads ? 0 : 3;
}

}  // namespace photoscribe
