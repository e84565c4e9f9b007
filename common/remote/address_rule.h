// address_rule: which addresses of the network photos may come from. Pure.
//
// Whoever writes a list of URLs must not make us ask machines that only we can reach: our own
// services, those of our network, a cloud's metadata. Judged is the address that a connection
// really goes to, after DNS and on every redirect (http_client.h).
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

namespace photoscribe {

/// Empty for an address of the public internet; else what it is: "loopback", "private" …
[[nodiscard]] std::string_view what_is_not_public(const sockaddr& address);

using AddressRule = std::string_view (*)(const sockaddr& address);

/// The address without its port, for people.
[[nodiscard]] std::string text_of(const sockaddr& address);

}  // namespace photoscribe
