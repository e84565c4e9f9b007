// answers: what API calls have in common: JSON, and errors as a status and a line of JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/http/http_message.h"

namespace photoscribe::serve {

[[nodiscard]] http::Answer json_answer(const nlohmann::json& object);
[[nodiscard]] http::Answer error_answer(int status, const std::string& message);
/// usage: 400; somebody else writes: 409; what passes: 503; else 500.
[[nodiscard]] http::Answer error_answer(const Error& error);

}  // namespace photoscribe::serve
