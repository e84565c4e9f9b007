// answers: what API calls share: JSON, and errors as a status and a line of JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/http/http_message.h"

namespace photoscribe::serve {

[[nodiscard]] http::Answer json_answer(const nlohmann::json& object);
[[nodiscard]] http::Answer error_answer(int status, const std::string& message);
/// Errors of usage: 400; another process writes: 409; bugs and store failures: 500; else 503.
[[nodiscard]] http::Answer error_answer(const Error& error);

}  // namespace photoscribe::serve
