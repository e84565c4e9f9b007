#include "common/core/device_list.h"

#include <algorithm>

namespace photoscribe {
namespace {

bool is_device_name(std::string_view name) {
  if (name == "cpu") return true;
  constexpr std::string_view kCuda = "cuda:";
  if (!name.starts_with(kCuda) || name.size() == kCuda.size()) return false;
  return std::all_of(name.begin() + kCuda.size(), name.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Expected<std::vector<std::string>> parse_device_list(std::string_view text) {
  std::vector<std::string> devices;
  if (text == "auto") return devices;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string name(text.substr(begin, end - begin));
    if (name == "cuda") name = "cuda:0";
    if (!is_device_name(name)) {
      return fail(Errc::usage, "'" + name +
                                   "' is not a device; write auto, cpu, or a list such as "
                                   "cuda:0,cuda:1");
    }
    if (std::find(devices.begin(), devices.end(), name) == devices.end()) devices.push_back(name);
    begin = end + 1;
  }
  return devices;
}

}  // namespace photoscribe
