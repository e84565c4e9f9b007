#include "ops/serve/photo_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "common/text/escape.h"
#include "common/text/utf8.h"
#include "ops/serve/caption_json.h"

namespace photoscribe::serve {
namespace {

using nlohmann::json;

json text_or_null(const std::optional<std::string>& text) {
  return text ? json(replaced(*text)) : json();
}

template <class Number>
json number_or_null(const std::optional<Number>& number) {
  return number ? json(*number) : json();
}

json blur_json(const PhotoDetails& photo) {
  json modes = json::array();
  for (const BlurMode mode : kBlurModes) {
    json one{{"mode", to_string(mode)}, {"decides", mode == photo.blur.mode}, {"score", nullptr}};
    if (photo.row.blur_scores && !std::isnan(photo.row.blur_scores->of(mode))) {
      one["score"] = photo.row.blur_scores->of(mode);
    }
    one["threshold"] =
        mode == photo.blur.mode ? photo.blur.blur_threshold : default_blur_threshold(mode);
    modes.push_back(std::move(one));
  }
  return modes;
}

json attempts_json(const std::vector<AttemptRow>& attempts) {
  json list = json::array();
  for (const AttemptRow& one : attempts) {
    list.push_back({{"attempt", one.attempt},
                    {"outcome", one.outcome},
                    {"reason", text_or_null(one.reason)},
                    {"detail", text_or_null(one.detail)},
                    {"worker", replaced(one.worker)},
                    {"finished_unix_ms", one.finished_unix_ms}});
  }
  return list;
}

json edits_json(const std::vector<CaptionEdit>& edits) {
  json list = json::array();
  for (const CaptionEdit& one : edits) {
    list.push_back({{"action", one.action},
                    {"caption", text_or_null(one.caption)},
                    {"edited_by", replaced(one.edited_by)},
                    {"edited_unix_ms", one.edited_unix_ms}});
  }
  return list;
}

/// One list of cells for each word.
json attention_json(const std::optional<AttentionMaps>& maps) {
  if (!maps) return nullptr;
  const auto cells = static_cast<std::ptrdiff_t>(maps->width) * maps->height;
  json words = json::array();
  for (auto from = maps->cells.begin(); maps->cells.end() - from >= cells; from += cells)
    words.push_back(std::vector<std::uint8_t>(from, from + cells));
  return {{"width", maps->width}, {"height", maps->height}, {"words", std::move(words)}};
}

}  // namespace

std::string folder_parameter(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : percent_escaped(path.substr(0, slash), "%");
}

nlohmann::json card_json(const PhotoCard& card) {
  return {{"id", card.image_id},
          {"uri", replaced(card.uri)},
          {"name", replaced(card.path.substr(card.path.rfind('/') + 1))},
          {"root", card.root_id},
          {"folder", replaced(folder_parameter(card.path))},
          {"state", card.state},
          {"reason", text_or_null(card.reason)},
          {"caption", text_or_null(card.caption)},
          {"edited_caption", text_or_null(card.edited_caption)},
          {"approved", card.approved},
          {"confidence", number_or_null(card.confidence)},
          {"blur_score", number_or_null(card.blur_score)},
          {"width", number_or_null(card.width_px)},
          {"height", number_or_null(card.height_px)},
          {"file_unix_ms", card.mtime_ns / 1'000'000},
          {"finished_unix_ms", number_or_null(card.finished_unix_ms)},
          {"near_duplicate", card.near_duplicate},
          {"vanished", card.vanished},
          {"v", std::to_string(card.mtime_ns) + "-" + std::to_string(card.size_bytes)}};
}

nlohmann::json details_json(const PhotoDetails& photo) {
  const ResultRow& row = photo.row;
  json object = card_json(photo.card);
  object["run"] = replaced(row.run);
  object["root_name"] = replaced(row.root);
  object["bytes"] = photo.card.size_bytes;
  object["detail"] = text_or_null(row.detail);
  object["blur"] = blur_json(photo);
  object["evidence"] = row.evidence ? json(evidence_json(*row.evidence)) : json();
  object["log_prob"] = number_or_null(row.log_prob);
  object["concepts"] = json::array();
  for (const Concept& one : row.concepts) {
    object["concepts"].push_back({{"word", replaced(one.word)}, {"probability", one.probability}});
  }
  object["alternatives"] = alternatives_json(row.alternatives);
  object["tokens"] = number_or_null(row.tokens);
  object["attention"] = attention_json(photo.attention);
  object["references"] = json::array();
  for (const std::string& one : photo.references) object["references"].push_back(replaced(one));
  object["bleu"] = json::array();
  for (const auto& score : row.bleu) object["bleu"].push_back(number_or_null(score));
  object["kept"] = json::array();
  for (const auto& [name, value] : photo.kept) {
    object["kept"].push_back({{"name", replaced(name)}, {"value", replaced(value)}});
  }
  object["attempts"] = attempts_json(photo.attempts);
  object["edits"] = edits_json(photo.edits);
  object["model"] = row.model;
  object["worker"] = text_or_null(row.worker);
  object["preview"] = row.preview;
  object["sha256"] = text_or_null(row.sha256);
  object["copied_from"] = text_or_null(row.copied_from);
  object["hash_distance"] = number_or_null(row.hash_distance);
  return object;
}

}  // namespace photoscribe::serve
