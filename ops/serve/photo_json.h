// photo_json: photos as the page's JSON. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/store/browse.h"
#include "scheduler/store/run_types.h"

namespace photoscribe::serve {

/// What the gallery shows. `v` changes with the file: it keeps a browser from showing an old
/// picture.
[[nodiscard]] nlohmann::json card_json(const PhotoCard& card);

/// Everything that the archive knows of one photo.
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

/// The folder that holds the photo, as the parameter `folder` of the API has it.
[[nodiscard]] std::string folder_parameter(const std::string& path);

}  // namespace photoscribe::serve
