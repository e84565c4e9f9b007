#include "scheduler/sidecars/takeout.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "scheduler/sidecars/sidecar_texts.h"

namespace photoscribe::sidecars {
namespace {

using nlohmann::json;

constexpr std::string_view kJson = ".json";
constexpr std::string_view kSupplement = "supplemental-metadata";
constexpr std::size_t kCutMin = 40;  // a name is cut after 46 characters; fewer of UTF-16's

/// "IMG(1).jpg" is "IMG.jpg" and "(1)".
struct Numbered {
  std::string stem, extension, number;
  [[nodiscard]] std::string name() const { return stem + extension; }
};

bool is_number_in_brackets(std::string_view text) {
  return text.size() >= 3 && text.front() == '(' && text.back() == ')' &&
         text.substr(1, text.size() - 2).find_first_not_of("0123456789") == std::string_view::npos;
}

Numbered split(std::string_view photo) {
  Numbered parts;
  const auto dot = photo.rfind('.');
  const bool has_extension = dot != std::string_view::npos && dot > 0;
  parts.stem = photo.substr(0, has_extension ? dot : photo.size());
  if (has_extension) parts.extension = photo.substr(dot);
  const auto bracket = parts.stem.rfind('(');
  if (bracket == std::string::npos || bracket == 0) return parts;
  if (!is_number_in_brackets(std::string_view(parts.stem).substr(bracket))) return parts;
  parts.number = parts.stem.substr(bracket);
  parts.stem.resize(bracket);
  return parts;
}

/// "" or "." and a beginning of what Google puts behind a photo's name.
bool is_supplement(std::string_view rest) {
  return rest.empty() || (rest.front() == '.' && kSupplement.starts_with(rest.substr(1)));
}

/// How well a sidecar's name (without .json) fits a photo: 0 not at all, 4 best.
int fit(std::string_view sidecar, const Numbered& photo) {
  if (!photo.number.empty()) {
    if (!sidecar.ends_with(photo.number)) return 0;
    sidecar.remove_suffix(photo.number.size());
  }
  const std::string name = photo.name();
  if (sidecar == name) return 4;
  if (sidecar.starts_with(name) && is_supplement(sidecar.substr(name.size()))) return 4;
  if (sidecar.size() >= kCutMin && std::string_view(name).starts_with(sidecar)) return 2;
  if (sidecar.starts_with(photo.stem) && is_supplement(sidecar.substr(photo.stem.size()))) return 1;
  return 0;
}

void add_fitting(const Numbered& photo, std::span<const std::string> json_names, int fit_min,
                 std::vector<std::pair<int, std::string>>& found) {
  const std::string begin = photo.stem.substr(0, kCutMin - 2);
  for (auto at = std::lower_bound(json_names.begin(), json_names.end(), begin);
       at != json_names.end() && at->starts_with(begin); ++at) {
    const int fits = fit(std::string_view(*at).substr(0, at->size() - kJson.size()), photo);
    if (fits >= fit_min) found.emplace_back(fits, *at);
  }
}

/// "IMG-edited(1).jpg" is a copy of "IMG(1).jpg"; each language has a word of its own for it.
std::optional<Numbered> original_of(const Numbered& copy) {
  const auto dash = copy.stem.rfind('-');
  if (dash == std::string::npos || dash == 0 || dash + 1 == copy.stem.size()) return std::nullopt;
  const std::string_view word = std::string_view(copy.stem).substr(dash + 1);
  if (word.size() > 30 || word.find_first_of("0123456789 _()") != std::string_view::npos)
    return std::nullopt;
  Numbered original = copy;
  original.stem.resize(dash);
  return original;
}

/// A title as a file's name has it: what file systems do not take is "_".
std::string as_file_name(std::string_view title) {
  std::string name(title);
  for (char& c : name) {
    if (std::string_view("%&*:;<>?\\/|\"'").find(c) != std::string_view::npos) c = '_';
  }
  return name;
}

bool is_title_of(const std::string& title, std::string_view photo) {
  const std::string name = as_file_name(title);
  const std::string wanted = as_file_name(photo);
  if (name == wanted) return true;
  const Numbered parts = split(wanted), titled = split(name);
  if (titled.stem == parts.stem) return true;
  return parts.stem.size() >= kCutMin && name.starts_with(parts.stem);  // cut itself
}

std::string people_of(const json& object) {
  std::string people;
  const auto at = object.find("people");
  if (at == object.end() || !at->is_array()) return people;
  for (const json& one : *at) {
    const std::string name = text_of(one, "name");
    if (!name.empty()) people += (people.empty() ? "" : "; ") + name;
  }
  return people;
}

bool add_place_of(KeptValues& kept, const json& object, const char* member) {
  const auto at = object.find(member);
  return at != object.end() &&
         add_place(kept, number_of(*at, "latitude"), number_of(*at, "longitude"));
}

}  // namespace

std::vector<TakeoutSidecar> takeout_sidecars(std::string_view photo,
                                             std::span<const std::string> json_names) {
  const Numbered parts = split(photo);
  std::vector<std::pair<int, std::string>> found;
  add_fitting(parts, json_names, 1, found);
  if (!parts.number.empty())  // where the number is the photo's own
    add_fitting({parts.stem + parts.number, parts.extension, ""}, json_names, 1, found);
  const bool sure =
      std::any_of(found.begin(), found.end(), [](const auto& one) { return one.first == 4; });
  if (const auto original = original_of(parts); original && !sure)
    add_fitting(*original, json_names, 4, found);
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<TakeoutSidecar> sidecars;
  for (auto& [fits, name] : found) sidecars.push_back({std::move(name), fits == 4});
  return sidecars;
}

std::optional<KeptValues> read_takeout(std::string_view text, std::string_view photo, bool sure) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object() || !object.contains("title")) return std::nullopt;
  if (!object.contains("photoTakenTime") && !object.contains("creationTime")) return std::nullopt;
  const std::string title = text_of(object, "title");
  if (!sure && !is_title_of(title, photo)) return std::nullopt;
  KeptValues kept;
  if (const auto taken = object.find("photoTakenTime");
      taken != object.end() && taken->is_object() && taken->contains("timestamp")) {
    if (const auto seconds = unix_seconds(taken->at("timestamp")))
      add_text(kept, "taken_at", utc_time(*seconds));
  }
  if (!add_place_of(kept, object, "geoData")) add_place_of(kept, object, "geoDataExif");
  add_text(kept, "title", title);
  add_text(kept, "text", text_of(object, "description"));
  add_text(kept, "people", people_of(object));
  if (const auto favorite = object.find("favorited");
      favorite != object.end() && favorite->is_boolean() && favorite->get<bool>())
    add_text(kept, "favorite", "true");
  add_text(kept, "url", text_of(object, "url"));
  add_text(kept, "source", "Google Takeout");
  return kept;
}

}  // namespace photoscribe::sidecars
