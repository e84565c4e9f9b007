// seen_rule: when a worker asks whether a photo with the same bytes has a result (design.md 5).
#pragma once

#include <cstdint>

namespace photoscribe {

/// A photo of fewer bytes is decoded and measured sooner than Redis answers. So it is asked for
/// only once it is clear, to save the network's work, and of a blurred one nothing need be
/// remembered.
inline constexpr std::int64_t kAskFirstBytes = 4'096;

}  // namespace photoscribe
