// http_post: one HTTP(S) POST of JSON, for callbacks at a run's end. Redirects are not followed,
// and the answer's body is not kept.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/core/error.h"

namespace photoscribe {

struct WebAddress {
  bool tls = false;
  std::string host;    // an address in brackets comes without them
  std::string port;    // "80", "443" where none is given
  std::string target;  // "/path?query"
};

/// http://HOST[:PORT][/PATH], https://…; fails with usage. User and password in it are refused:
/// they would be seen by every user of the machine.
[[nodiscard]] Expected<WebAddress> parse_web_address(std::string_view text);

/// The status of the answer. TLS certificates are checked against the system's, and the host's
/// name. Fails with environment: no connection, no answer within `limit`. Blocks.
[[nodiscard]] Expected<int> http_post(const WebAddress& address, std::string json,
                                      std::chrono::milliseconds limit);

}  // namespace photoscribe
