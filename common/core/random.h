// random: the kernel's random bytes; never time or a seeded generator, so two hosts cannot agree by
// accident.
#pragma once

#include <cstdint>

namespace photoscribe {

/// 64 bits from getrandom(2).
[[nodiscard]] std::uint64_t random_u64();
/// In [0, 1), from the same source.
[[nodiscard]] double random_unit();

}  // namespace photoscribe
