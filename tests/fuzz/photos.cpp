// Photos of every format: headers, caps, decoding, the blur scores and the network's input.
#include "common/image/photo.h"
#include "common/image/thumbnail.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const std::span<const std::uint8_t> bytes(data, size);
  DecodeLimits limits;
  limits.pixels_max = 1 << 18;
  const BlurSettings everything_is_clear{.blur_threshold = 0};
  const auto measured = measure_photo(bytes, {}, limits);
  const auto photo = load_photo(bytes, 32, everything_is_clear, limits);
  // What measures without a fault may still fail in colour, not the other way round.
  if (photo) {
    fuzz::require(measured && measured->blur_scores == photo->measured.blur_scores);
    fuzz::require(photo->network_input && photo->network_input->pixels.size() == 32U * 32 * 3);
  }
  static_cast<void>(format_name(bytes));
  return 0;
}
