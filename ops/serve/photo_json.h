// photo_json: photos as the page's JSON. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/store/browse.h"
#include "scheduler/store/run_types.h"

namespace photoscribe::serve {

/// What the gallery shows. `v` changes with the file, so that a browser does not show an old
/// picture.
[[nodiscard]] nlohmann::json card_json(const PhotoCard& card);

/// Everything that the archive has about one photo.
struct PhotoDetails {
  PhotoCard card;
  ResultRow row;
  BlurSettings blur;  // of its run, now
  std::vector<AttemptRow> attempts;
  std::vector<std::string> references;
  std::vector<CaptionEdit> edits;
  std::vector<std::pair<std::string, std::string>> kept;
  std::optional<AttentionMaps> attention;
};
[[nodiscard]] nlohmann::json details_json(const PhotoDetails& photo);

/// The photo's folder, as the API's parameter `folder`.
[[nodiscard]] std::string folder_parameter(const std::string& path);

}  // namespace photoscribe::serve
