// identity: the random names that keep processes and runs apart.
//
// From the kernel's random bytes (common/core/random.h), so two hosts cannot agree by accident.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace photoscribe::redis {

/// 128 random bits as 32 hex digits: names one filling of Redis by one run (design.md 4).
[[nodiscard]] std::string new_incarnation();
[[nodiscard]] bool is_incarnation(std::string_view text) noexcept;

/// "[prefix-]host-pid-": how the name of every consumer of a process of this host begins.
[[nodiscard]] std::string consumer_name_of(std::string_view prefix, std::int64_t pid);
/// "[prefix-]host-pid-<16 hex digits>"; new for each process and never used again (protocol.md H1).
/// Only letters, digits, '.', '_' and '-'.
[[nodiscard]] std::string new_consumer_name(std::string_view prefix = {});

}  // namespace photoscribe::redis
