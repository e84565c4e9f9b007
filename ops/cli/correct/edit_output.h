// edit_output: edits and changes as the verb `caption` prints them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "ops/cli/correct/fixes.h"

namespace photoscribe::cli {

[[nodiscard]] nlohmann::ordered_json text_or_null(const std::optional<std::string>& text);
[[nodiscard]] std::string shown_or(const std::optional<std::string>& caption, const char* fallback);

[[nodiscard]] nlohmann::ordered_json change_json(const FixChange& change);
/// Three lines: the photo, its caption before, its caption now.
[[nodiscard]] std::string change_text(const FixChange& change);

[[nodiscard]] nlohmann::ordered_json edit_json(const EditRow& row);
[[nodiscard]] std::string edit_line(const EditRow& row);

}  // namespace photoscribe::cli
