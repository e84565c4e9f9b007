// resident_memory: how much memory this process holds, as the kernel counts it.
#pragma once

#include <cstdint>

namespace photoscribe {

/// Bytes of this process that are in memory now, files mapped into it included; 0 where /proc does
/// not say.
[[nodiscard]] std::int64_t resident_bytes();

}  // namespace photoscribe
