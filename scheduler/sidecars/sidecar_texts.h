// sidecar_texts: dates, places and texts of exports as kept columns have them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "scheduler/store/run_types.h"

namespace photoscribe::sidecars {

/// 2019-07-02T10:11:12Z; empty for what no calendar has.
[[nodiscard]] std::string utc_time(std::int64_t unix_s);

/// Seconds since 1970, of a number or of a text that is one.
[[nodiscard]] std::optional<std::int64_t> unix_seconds(const nlohmann::json& value);

/// A text member, or empty.
[[nodiscard]] std::string text_of(const nlohmann::json& object, const char* member);

/// A member as a number, also one written as a text.
[[nodiscard]] std::optional<double> number_of(const nlohmann::json& object, const char* member);

/// Adds latitude and longitude in degrees, if they are on the globe and not 0, 0, which stands for
/// none.
bool add_place(KeptValues& kept, std::optional<double> latitude, std::optional<double> longitude);

/// Adds it unless it is empty or there is one of that name.
void add_text(KeptValues& kept, const char* name, std::string text);

/// Facebook and Instagram write each byte of a text's UTF-8 as a character of its own: undone where
/// all of it is that.
[[nodiscard]] std::string mended(std::string text);

}  // namespace photoscribe::sidecars
