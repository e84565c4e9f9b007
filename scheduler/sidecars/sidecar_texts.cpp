#include "scheduler/sidecars/sidecar_texts.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>

#include "common/text/utf8.h"

namespace photoscribe::sidecars {
namespace {

std::string degrees(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

}  // namespace

std::string utc_time(std::int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm utc{};
  char text[40];
  if (::gmtime_r(&time, &utc) == nullptr) return {};
  if (utc.tm_year < -1900 || utc.tm_year > 8099) return {};  // years of four digits
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::optional<std::int64_t> unix_seconds(const nlohmann::json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return seconds;
}

std::string text_of(const nlohmann::json& object, const char* member) {
  if (!object.is_object()) return {};
  const auto at = object.find(member);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::optional<double> number_of(const nlohmann::json& object, const char* member) {
  if (!object.is_object()) return std::nullopt;
  const auto at = object.find(member);
  if (at == object.end()) return std::nullopt;
  if (at->is_number()) return at->get<double>();
  if (!at->is_string()) return std::nullopt;
  const auto& text = at->get_ref<const std::string&>();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool add_place(KeptValues& kept, std::optional<double> latitude, std::optional<double> longitude) {
  if (!latitude || !longitude || (*latitude == 0 && *longitude == 0)) return false;
  if (!(std::abs(*latitude) <= 90) || !(std::abs(*longitude) <= 180)) return false;
  add_text(kept, "latitude", degrees(*latitude));
  add_text(kept, "longitude", degrees(*longitude));
  return true;
}

void add_text(KeptValues& kept, const char* name, std::string text) {
  const bool has =
      std::any_of(kept.begin(), kept.end(), [&](const auto& one) { return one.first == name; });
  if (!text.empty() && !has) kept.emplace_back(name, std::move(text));
}

std::string mended(std::string text) {
  std::string bytes;
  bool all_bytes = true, some_high = false;
  for_each_character(text, [&](const Character& one) {
    all_bytes = all_bytes && one.code_point <= 0xFF;
    some_high = some_high || one.code_point >= 0x80;
    if (all_bytes) bytes += static_cast<char>(one.code_point);
  });
  return all_bytes && some_high && is_valid_utf8(bytes) ? bytes : text;
}

}  // namespace photoscribe::sidecars
