// access: who may ask a server that serves a person's browser, and from which page.
//
// Pure. A page on any web site can make a browser send requests to 127.0.0.1, or (by DNS rebinding)
// read the answers under that site's own name: so the Host must be one of ours, and what changes
// something must come from our own page. Beyond this machine nobody asks without the token.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/http/http_message.h"

namespace photoscribe::http {

struct Access {
  bool loopback = true;                // Host must be a name of this machine
  std::string token = {};              // empty: none is needed
  std::string cookie = "photoscribe";  // name of the one that stands for the token
};

/// Nothing when the request may be answered; else the answer: 400 and 403 where it comes from
/// elsewhere, 401 without the token, 303 that sets the cookie for `?token=`.
[[nodiscard]] std::optional<Answer> refusal(const Access& access, const Request& request);

/// True for localhost, 127.0.0.0/8 and [::1], with or without a port.
[[nodiscard]] bool names_this_machine(std::string_view host);

/// In a time that does not depend on where they differ.
[[nodiscard]] bool equal_secrets(std::string_view a, std::string_view b) noexcept;

}  // namespace photoscribe::http
