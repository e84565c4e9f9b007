// image_extensions: which file names are names of photos (design.md 6).
#pragma once

#include <string_view>

namespace photoscribe {

/// True for names that end in an extension that cameras, scanners and the web give to photos, in
/// any case: those that are decoded and those that fail as `unsupported` (HEIC, RAW …), so that no
/// photo is skipped silently.
[[nodiscard]] bool has_image_extension(std::string_view name) noexcept;

}  // namespace photoscribe
