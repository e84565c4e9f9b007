// listen_place: where a server listens, as a person types it.
#pragma once

#include <cstdint>
#include <string>

#include "common/core/error.h"

namespace photoscribe::http {

struct ListenPlace {
  std::string address = "127.0.0.1";  // an IP address, without brackets
  std::uint16_t port = 0;             // 0: any that is free
  bool loopback = true;               // only this machine reaches it
};

/// "http://127.0.0.1:8080/"; `port` is the one that the server got.
[[nodiscard]] std::string address_of(const ListenPlace& place, std::uint16_t port);

/// "8080", "127.0.0.1:8080", "[::1]:8080", "localhost:8080". `option` begins the message of a
/// usage error.
[[nodiscard]] Expected<ListenPlace> parse_listen_place(const std::string& text,
                                                       const std::string& option);

}  // namespace photoscribe::http
