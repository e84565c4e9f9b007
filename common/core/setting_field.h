// setting_field: one setting of a struct: where it lies, what it is called in JSON and in the
// configuration, its bounds and its meaning. And the JSON of a table of them, which is that of the
// spec in Redis and of the settings in the database.
//
// A table points into the struct that it was made from, which must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/core/blur.h"
#include "common/core/confidence.h"

namespace photoscribe {

/// Where a setting stands in one of the two forms of JSON.
enum class Written : std::uint8_t {
  always,          // required when it is read
  unless_default,  // left out, and allowed to be missing, at its default: what older programs read
  never,
};

/// What another value does to results that are there already.
enum class Alters : std::uint8_t {
  nothing,         // it judges them anew, or decides only which photos fail
  results,         // a photo might get another result
  shared_results,  // so might a photo among others; by itself it gets the same
};

/// What holds where nobody gives a value.
enum class Default : std::uint8_t { ours, of_model };

using SettingValue = std::variant<bool*, int*, std::int64_t*, double*, std::string*, BlurMode*,
                                  std::optional<ConfidenceModel>*, std::vector<std::string>*>;

struct SettingField {
  std::string_view key;  // in JSON: "near_duplicates", or "search.beam" within an object
  SettingValue value;
  double low = 0, high = 0;    // bounds of a number; of text, `high` is the most bytes
  std::string_view help = {};  // empty: no key of the configuration
  Alters alters = Alters::nothing;
  Default by_default = Default::ours;
  Written in_spec = Written::always, in_store = Written::always;
  std::string_view config_key = {};  // empty: `key`
};

enum class SettingForm : std::uint8_t { spec, store };

/// `defaults`: the same table of a struct as it was made.
[[nodiscard]] std::string write_settings(const std::vector<SettingField>& fields,
                                         const std::vector<SettingField>& defaults,
                                         SettingForm form);

/// Throws std::exception at what is missing or of another type; of the spec, which anybody may have
/// written, also at an unknown field and a value out of bounds.
void read_settings(std::string_view json, const std::vector<SettingField>& fields,
                   SettingForm form);

/// As people read it: `3`, `0.7`, `tile_max`.
[[nodiscard]] std::string to_text(const SettingField& field);

/// Both of the same setting.
[[nodiscard]] bool same_value(const SettingField& a, const SettingField& b);
void copy_value(const SettingField& from, const SettingField& to);

/// Without the section in front.
[[nodiscard]] std::string_view name_of(const SettingField& field);

}  // namespace photoscribe
