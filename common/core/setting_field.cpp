#include "common/core/setting_field.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <type_traits>

#include "common/core/run_settings.h"

namespace photoscribe {
namespace {

using nlohmann::json;

[[noreturn]] void bad(const SettingField& field, const char* what) {
  throw std::runtime_error(std::string(field.key) + " " + what);
}

/// The terms as the versions wrote them that had eight, unless later ones count.
json json_of(const ConfidenceTermValues& values) {
  constexpr std::size_t kFewest = 8;
  std::size_t count = values.size();
  while (count > kFewest && values[count - 1] == 0) --count;
  return std::vector<double>(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count));
}

json json_of(const ConfidenceModel& fitted) {
  json object{{"bias", fitted.bias},
              {"weights", json_of(fitted.weights)},
              {"means", json_of(fitted.means)},
              {"min", fitted.min}};
  if (!fitted.objects.empty()) object["objects"] = fitted.objects;
  return object;
}

json json_of(const SettingField& field) {
  return std::visit(
      [](const auto* value) -> json {
        using T = std::remove_cvref_t<decltype(*value)>;
        if constexpr (std::is_same_v<T, BlurMode>) {
          return to_string(*value);
        } else if constexpr (std::is_same_v<T, std::optional<ConfidenceModel>>) {
          return *value ? json_of(**value) : json();
        } else {
          return *value;
        }
      },
      field.value);
}

/// Reads those of an older version, too: they have the first terms only.
ConfidenceModel confidence_from(const json& value) {
  ConfidenceModel fitted;
  value.at("bias").get_to(fitted.bias);
  const auto read = [&value](const char* name, auto& terms) {
    const auto numbers = value.value(name, std::vector<double>());
    std::copy_n(numbers.begin(), std::min(numbers.size(), terms.size()), terms.begin());
  };
  read("weights", fitted.weights);
  read("means", fitted.means);
  fitted.min = value.value("min", 0.0);
  if (const auto objects = value.find("objects"); objects != value.end())
    objects->get_to(fitted.objects);
  return fitted;
}

template <class T>
T number_from(const json& value, const SettingField& field, bool is_checked) {
  using Wide = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;
  if (std::is_integral_v<T> ? !value.is_number_integer() : !value.is_number())
    bad(field, "not a number");
  const auto got = value.get<Wide>();
  if (static_cast<Wide>(static_cast<T>(got)) != got && !std::is_floating_point_v<T>)
    bad(field, "out of range");
  const auto as_real = static_cast<double>(got);
  if (is_checked && !(as_real >= field.low && as_real <= field.high)) bad(field, "out of range");
  return static_cast<T>(got);
}

void read_value(const json& value, const SettingField& field, bool is_checked) {
  std::visit(
      [&](auto* to) {
        using T = std::remove_pointer_t<decltype(to)>;
        if constexpr (std::is_same_v<T, BlurMode>) {
          const Expected<BlurMode> mode = blur_mode_from_string(value.get<std::string>());
          if (!mode) throw std::runtime_error(mode.error().message);
          *to = *mode;
        } else if constexpr (std::is_same_v<T, std::optional<ConfidenceModel>>) {
          *to = confidence_from(value);
        } else if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
          *to = number_from<T>(value, field, is_checked);
        } else {
          value.get_to(*to);
        }
        if constexpr (std::is_same_v<T, std::string>) {
          if (is_checked && static_cast<double>(to->size()) > field.high) bad(field, "too long");
        }
      },
      field.value);
}

std::string_view section_of(const SettingField& field) {
  const auto dot = field.key.find('.');
  return dot == std::string_view::npos ? std::string_view() : field.key.substr(0, dot);
}

Written written(const SettingField& field, SettingForm form) {
  return form == SettingForm::spec ? field.in_spec : field.in_store;
}

/// Null: it is not there.
const json* find(const json& object, const SettingField& field) {
  const json* in = &object;
  if (const std::string section(section_of(field)); !section.empty()) {
    if (!in->contains(section)) return nullptr;
    in = &in->at(section);
  }
  const std::string name(name_of(field));
  return in->contains(name) ? &in->at(name) : nullptr;
}

void reject_unknown(const json& object, const std::string& section,
                    const std::vector<SettingField>& fields) {
  for (const auto& item : object.items()) {
    const std::string key = section.empty() ? item.key() : section + "." + item.key();
    if (item.key().find('.') != std::string::npos) throw std::runtime_error("unknown field " + key);
    const auto is_known = [&key](const SettingField& field) {
      return field.in_spec != Written::never && field.key == key;
    };
    const auto is_within = [&key](const SettingField& field) {
      return field.in_spec != Written::never && section_of(field) == key;
    };
    if (std::any_of(fields.begin(), fields.end(), is_known)) continue;
    if (!item.value().is_object() || std::none_of(fields.begin(), fields.end(), is_within))
      throw std::runtime_error("unknown field " + key);
    reject_unknown(item.value(), key, fields);
  }
}

}  // namespace

std::string write_settings(const std::vector<SettingField>& fields,
                           const std::vector<SettingField>& defaults, SettingForm form) {
  json object = json::object();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const SettingField& field = fields[i];
    const Written where = written(field, form);
    if (where == Written::never) continue;
    if (where == Written::unless_default && same_value(field, defaults[i])) continue;
    const std::string section(section_of(field));
    json& in = section.empty() ? object : object[section];
    in[std::string(name_of(field))] = json_of(field);
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

void read_settings(std::string_view text, const std::vector<SettingField>& fields,
                   SettingForm form) {
  const json object = json::parse(text);
  if (!object.is_object()) throw std::runtime_error("not an object");
  const bool is_spec = form == SettingForm::spec;
  for (const SettingField& field : fields) {
    const Written where = written(field, form);
    if (where == Written::never) continue;
    const json* const value = find(object, field);
    if (value != nullptr) read_value(*value, field, is_spec);
    if (value == nullptr && where == Written::always) bad(field, "is missing");
  }
  if (is_spec) reject_unknown(object, "", fields);
}

std::string to_text(const SettingField& field) {
  const json value = json_of(field);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool same_value(const SettingField& a, const SettingField& b) {
  return std::visit(
      [](const auto* one, const auto* other) {
        if constexpr (std::is_same_v<decltype(one), decltype(other)>) {
          return *one == *other;
        } else {
          return false;
        }
      },
      a.value, b.value);
}

void copy_value(const SettingField& from, const SettingField& to) {
  std::visit(
      [](const auto* one, auto* other) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(*one)>,
                                     std::remove_cvref_t<decltype(*other)>>)
          *other = *one;
      },
      from.value, to.value);
}

std::string_view name_of(const SettingField& field) {
  return field.key.substr(field.key.find('.') + 1);  // all of it where there is no dot
}

}  // namespace photoscribe
