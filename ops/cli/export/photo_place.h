// photo_place: where a photo's sidecar is: beside it, or below another folder.
#pragma once

#include <string>

#include "common/core/error.h"

namespace photoscribe::cli {

enum class SidecarStyle {
  photo,      // IMG_1.jpg.xmp, as digiKam, darktable and Immich use
  lightroom,  // IMG_1.xmp
};

struct SidecarPlace {
  std::string into;            // empty: beside the photo
  bool several_roots = false;  // then each root has a folder in `into`
  SidecarStyle style = SidecarStyle::photo;
  std::string extension;  // ".xmp"
};

/// The path, absolute if the folder or `into` is. Fails with bad_payload for a path that leads out
/// of its root, which no scan produces.
[[nodiscard]] Expected<std::string> sidecar_of(const SidecarPlace& place,
                                               const std::string& root_name,
                                               const std::string& folder, const std::string& path);

/// Whether a root is a local folder, not a server or a bucket.
[[nodiscard]] bool is_local(const std::string& folder);

/// "2019/photos.tar!beach/a.jpg" is in an archive if 2019/photos.tar is a file.
[[nodiscard]] bool is_in_archive(const std::string& folder, const std::string& path);

}  // namespace photoscribe::cli
