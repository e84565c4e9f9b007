#include "common/core/types.h"

#include <array>

namespace photoscribe {
namespace {
constexpr std::array<std::string_view, kReasonCount> kReasonNames{
    "missing",       "unreadable",    "not_a_file",     "outside_root", "empty",
    "not_an_image",  "truncated",     "too_large",      "unsupported",  "timeout",
    "model_failure", "device_memory", "crashed_worker", "encrypted",    "unsafe_name",
    "http_403",      "http_404",      "http_5xx",       "http_other",   "dns",
    "tls",           "too_slow",      "private_address"};
static_assert(!kReasonNames.back().empty(), "every reason has a name");
}  // namespace

std::string_view to_string(Reason reason) noexcept {
  return kReasonNames[static_cast<std::size_t>(reason)];
}

std::optional<Reason> reason_from_string(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kReasonNames.size(); ++i) {
    if (kReasonNames[i] == name) return static_cast<Reason>(i);
  }
  return std::nullopt;
}

}  // namespace photoscribe
