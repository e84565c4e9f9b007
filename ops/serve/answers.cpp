#include "ops/serve/answers.h"

#include <nlohmann/json.hpp>

#include "common/text/utf8.h"

namespace photoscribe::serve {

http::Answer json_answer(const nlohmann::json& object) {
  http::Answer answer;
  answer.type = "application/json";
  answer.body = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return answer;
}

http::Answer error_answer(int status, const std::string& message) {
  http::Answer answer = json_answer({{"error", replaced(message)}});
  answer.status = status;
  return answer;
}

http::Answer error_answer(const Error& error) {
  switch (error.code) {
    case Errc::usage:
    case Errc::bad_payload:
      return error_answer(400, error.message);
    case Errc::store_locked:
      return error_answer(409, error.message);
    case Errc::internal:
    case Errc::store_failure:
      return error_answer(500, error.message);
    default:
      return error_answer(503, error.message);
  }
}

}  // namespace photoscribe::serve
