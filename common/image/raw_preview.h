// raw_preview: the largest JPEG that a camera put into its RAW file. Internal.
//
// Found by its own head, wherever a maker hides it: previews stand in directories, maker notes and
// boxes that no two makers lay out alike, but each is a whole JPEG. Raw data are not developed.
#pragma once

#include <cstdint>
#include <span>

#include "common/image/failure.h"
#include "common/image/format.h"

namespace photoscribe::image {

struct RawPreview {
  std::span<const std::uint8_t> jpeg;  // from its first byte to the end of the RAW file
  int orientation = 1;                 // of the RAW file, for a JPEG that names none
};

/// unsupported when there is none; truncated when the file says that there is one beyond its end.
[[nodiscard]] Decoded<RawPreview> find_raw_preview(std::span<const std::uint8_t> bytes,
                                                   const Sniffed& sniffed);

}  // namespace photoscribe::image
