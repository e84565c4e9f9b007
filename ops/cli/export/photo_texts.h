// photo_texts: the metadata that is written for a photo, and what people have written in it
// already.
#pragma once

#include <string>

#include "common/metadata/container.h"
#include "common/metadata/xmp.h"
#include "ops/cli/export/photo_writer.h"

namespace photoscribe::cli {

[[nodiscard]] metadata::CaptionFields fields_of(const CaptionedPhoto& photo,
                                                const std::string& model_name);

struct HumanText {
  bool description = false, alt_text = false;
};

/// In its XMP, IPTC and EXIF. None in a photo that cannot be read or whose container is unknown.
[[nodiscard]] HumanText find_human_text(const std::string& photo);
[[nodiscard]] HumanText find_human_text(const metadata::FileMetadata& found);

}  // namespace photoscribe::cli
