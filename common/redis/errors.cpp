#include "common/redis/errors.h"

#include <algorithm>
#include <array>
#include <string>

namespace photoscribe::redis {
namespace {

constexpr std::array<std::string_view, 10> kTransient = {
    "LOADING",     "OOM",        "MISCONF", "READONLY",   "TRYAGAIN",
    "CLUSTERDOWN", "MASTERDOWN", "BUSY",    "NOREPLICAS", "UNBLOCKED"};

constexpr std::string_view kWrongType = "WRONGTYPE";

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find_first_of(" \r\n"));
}

/// Redis 6.2: "ERR Error running script (call to f_…): @user_script:7: -OOM command not allowed …".
std::string_view inner_error(std::string_view text) {
  if (!text.starts_with("ERR Error running script")) return text;
  const auto at = text.find(": -");
  if (at != std::string_view::npos) return text.substr(at + 3);
  const auto colon = text.rfind("@user_script");
  if (colon == std::string_view::npos) return text;
  const auto message = text.find(": ", colon);
  return message == std::string_view::npos ? text : text.substr(message + 2);
}

std::string_view cure(std::string_view word, std::string_view text) {
  if (word == "NOAUTH") {
    return "; the server asks for a password: set PHOTOSCRIBE_REDIS_PASSWORD or "
           "PHOTOSCRIBE_REDIS_PASSWORD_FILE";
  }
  if (word == "WRONGPASS" || text.find("invalid password") != std::string_view::npos) {
    return "; check the user in the URL and PHOTOSCRIBE_REDIS_PASSWORD";
  }
  // What a script is refused has no word of its own: Redis 7.0, then 7.2 and later, and Valkey.
  const bool in_script = text.find("executing the script can't run") != std::string_view::npos ||
                         text.find("executing the script can't access") != std::string_view::npos ||
                         text.find("ACL failure in script") != std::string_view::npos;
  if (word == "NOPERM" || in_script) {
    return "; give the user the rights of ops/config/redis-users.conf (or, with ACL SETUSER, "
           "~photoscribe:* +@all -@dangerous +info)";
  }
  if (text.find("unknown command") != std::string_view::npos) {
    return "; photoscribe needs Redis 6.2 or later, or Valkey, with no command renamed";
  }
  if (text.find("without any password configured") != std::string_view::npos) {
    return "; the server wants no password: unset PHOTOSCRIBE_REDIS_PASSWORD";
  }
  return {};
}

}  // namespace

Error error_of_reply(std::string_view reply_text, std::string_view operation) {
  const std::string_view text = inner_error(reply_text.substr(0, reply_text.find_first_of("\r\n")));
  const std::string_view word = first_word(text);
  std::string message(operation);
  message += ": ";
  message += text;
  // How a blocked XREADGROUP learns that the run's keys were deleted (Redis 7).
  const bool deleted =
      word == "UNBLOCKED" && text.find("no longer exists") != std::string_view::npos;
  // A key of a run that is something else is as good as lost: the scheduler makes new ones.
  if (word == "NOGROUP" || word == "RUNGONE" || word == kWrongType || deleted)
    return {Errc::run_gone, std::move(message)};
  if (std::find(kTransient.begin(), kTransient.end(), word) != kTransient.end() ||
      text.find("max number of clients") != std::string_view::npos) {
    return {Errc::redis_unavailable, std::move(message)};
  }
  message += cure(word, text);
  return {Errc::redis_refused, std::move(message)};
}

bool is_wrong_type(const Error& error) noexcept {
  return error.message.find(kWrongType) != std::string::npos;
}

Error foreign_key(const std::string& key) {
  return {Errc::redis_refused,
          key +
              ": is not what photoscribe keeps there; another program uses its keys: choose "
              "another database (…/1)"};
}

}  // namespace photoscribe::redis
