#include "ops/cli/run/workers_here.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "ops/cli/run/child_output.h"

namespace photoscribe::cli {

int gpus_here() {
  int gpus = 0;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry("/dev", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    constexpr std::string_view kPrefix = "nvidia";
    gpus += name.size() > kPrefix.size() && name.starts_with(kPrefix) &&
            std::all_of(name.begin() + kPrefix.size(), name.end(),
                        [](unsigned char c) { return std::isdigit(c) != 0; });
  }
  if (const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES"); visible != nullptr) {
    const std::string_view list = visible;
    const auto named = list.empty() || list == "-1"
                           ? 0
                           : static_cast<int>(std::count(list.begin(), list.end(), ',')) + 1;
    gpus = std::min(gpus, named);
  }
  return gpus;
}

WorkerPlan plan_workers(const WorkerConfig& config, const std::vector<std::string>& gpus) {
  WorkerPlan plan{1, config.devices};
  if (config.devices == "auto" && config.count != 1 && gpus.size() > 1) {
    plan.devices.clear();
    for (const std::string& gpu : gpus) plan.devices += (plan.devices.empty() ? "" : ",") + gpu;
  }
  const auto commas = std::count(plan.devices.begin(), plan.devices.end(), ',');
  plan.count = config.count.value_or(static_cast<int>(commas) + 1);
  return plan;
}

std::vector<std::string> usable_gpus(const std::string& worker) {
  std::vector<std::string> gpus;
  if (gpus_here() < 2) return gpus;
  const Expected<ChildOutput> answer =
      run_child({worker, "check", "--json"}, std::chrono::seconds(60));
  if (!answer) return gpus;
  const nlohmann::json object = nlohmann::json::parse(answer->out, nullptr, false);
  if (!object.is_object() || !object.contains("devices")) return gpus;
  for (const nlohmann::json& device : object["devices"]) {
    if (device.is_string() && device.get<std::string>().starts_with("cuda")) gpus.push_back(device);
  }
  return gpus;
}

}  // namespace photoscribe::cli
