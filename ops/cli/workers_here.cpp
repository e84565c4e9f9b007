#include "ops/cli/workers_here.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <string_view>

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

int workers_here(const std::string& devices) {
  if (devices == "auto") return std::max(1, gpus_here());
  return 1 + static_cast<int>(std::count(devices.begin(), devices.end(), ','));
}

}  // namespace photoscribe::cli
