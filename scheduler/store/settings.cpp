#include "scheduler/store/settings.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace photoscribe {

using nlohmann::json;

std::string to_json(const RunSettings& s) {
  json value = {
      {"model_hash", s.model_hash},
      {"model_name", s.model_name},
      {"preprocessing_version", s.preprocessing_version},
      {"search",
       {{"beam", s.search.beam},
        {"length_alpha", s.search.length_alpha},
        {"tokens_max", s.search.tokens_max}}},
      {"blur",
       {{"mode", to_string(s.blur.mode)},
        {"blur_threshold", s.blur.blur_threshold},
        {"normalised_side_px", s.blur.normalised_side_px},
        {"tile_px", s.blur.tile_px}}},
      {"limits",
       {{"pixels_max", s.limits.pixels_max},
        {"file_bytes_max", s.limits.file_bytes_max},
        {"image_timeout_s", s.limits.image_timeout_s}}},
  };
  if (s.near_duplicates > 0) value["near_duplicates"] = s.near_duplicates;
  if (s.confidence) {
    value["confidence"] = {{"bias", s.confidence->bias},
                           {"weights", s.confidence->weights},
                           {"means", s.confidence->means},
                           {"min", s.confidence->min}};
  }
  if (s.min_confidence > 0) value["min_confidence"] = s.min_confidence;
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

namespace {

/// Reads those of an older version, too: they have the first terms only.
ConfidenceModel parse_confidence(const json& value) {
  ConfidenceModel fitted;
  value.at("bias").get_to(fitted.bias);
  const auto read = [&value](const char* name, auto& terms) {
    const auto numbers = value.value(name, std::vector<double>());
    std::copy_n(numbers.begin(), std::min(numbers.size(), terms.size()), terms.begin());
  };
  read("weights", fitted.weights);
  read("means", fitted.means);
  fitted.min = value.value("min", 0.0);
  return fitted;
}

}  // namespace

Expected<RunSettings> parse_settings(std::string_view text) {
  return guard(Errc::store_failure, "read a run's settings", [&] {
    const json value = json::parse(text);
    RunSettings s;
    value.at("model_hash").get_to(s.model_hash);
    value.at("model_name").get_to(s.model_name);
    value.at("preprocessing_version").get_to(s.preprocessing_version);
    const json& search = value.at("search");
    search.at("beam").get_to(s.search.beam);
    search.at("length_alpha").get_to(s.search.length_alpha);
    search.at("tokens_max").get_to(s.search.tokens_max);
    const json& blur = value.at("blur");
    const auto mode = blur_mode_from_string(blur.at("mode").get<std::string>());
    if (!mode) throw std::runtime_error(mode.error().message);
    s.blur.mode = *mode;
    blur.at("blur_threshold").get_to(s.blur.blur_threshold);
    blur.at("normalised_side_px").get_to(s.blur.normalised_side_px);
    blur.at("tile_px").get_to(s.blur.tile_px);
    const json& limits = value.at("limits");
    limits.at("pixels_max").get_to(s.limits.pixels_max);
    limits.at("file_bytes_max").get_to(s.limits.file_bytes_max);
    limits.at("image_timeout_s").get_to(s.limits.image_timeout_s);
    s.near_duplicates = value.value("near_duplicates", 0);
    if (value.contains("confidence")) {
      s.confidence = parse_confidence(value.at("confidence"));
    }
    s.min_confidence = value.value("min_confidence", 0.0);
    return s;
  });
}

std::string result_altering_difference(const RunSettings& stored, const RunSettings& wanted) {
  std::vector<std::string> found;
  const auto compare = [&](const char* name, const auto& was, const auto& now) {
    if (was == now) return;
    const json before = was;
    const json after = now;
    const auto plain = [](const json& v) {
      return v.is_string() ? v.get<std::string>() : v.dump();
    };
    found.push_back(std::string(name) + " " + plain(before) + " (now " + plain(after) + ")");
  };
  const auto model = [](const RunSettings& s) {
    return (s.model_name.empty() ? "" : s.model_name + " ") + s.model_hash.substr(0, 12);
  };
  if (stored.model_hash != wanted.model_hash) compare("model", model(stored), model(wanted));
  compare("beam", stored.search.beam, wanted.search.beam);
  compare("length_alpha", stored.search.length_alpha, wanted.search.length_alpha);
  compare("tokens_max", stored.search.tokens_max, wanted.search.tokens_max);
  // Every mode's score is stored, so another mode rejudges; other sizes give other scores.
  compare("tile_px", stored.blur.tile_px, wanted.blur.tile_px);
  compare("normalised_side_px", stored.blur.normalised_side_px, wanted.blur.normalised_side_px);
  compare("near_duplicates", stored.near_duplicates, wanted.near_duplicates);
  compare("preprocessing_version", stored.preprocessing_version, wanted.preprocessing_version);
  std::string text;
  for (const std::string& one : found) text += (text.empty() ? "" : ", ") + one;
  return text;
}

bool same_blur_sizes(const BlurSettings& a, const BlurSettings& b) noexcept {
  return a.normalised_side_px == b.normalised_side_px && a.tile_px == b.tile_px;
}

}  // namespace photoscribe
