// endpoint: where a Redis server is and how to log in there, read from a URL.
//
//   redis://[user[:password]@]host[:port][/db]     rediss://…[?ca=FILE&verify=no] unix:/path[?db=N]
//
// Secrets: to_string() never shows the password. A password inside a URL on a command line is
// refused by the program that reads it (Endpoint::password_in_url); it comes from the environment
// or a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/error.h"

namespace photoscribe::redis {

enum class Transport : std::uint8_t { tcp, tls, unix_socket };

struct Endpoint {
  Transport transport = Transport::tcp;
  std::string host = "127.0.0.1";  // name or address; IPv6 without brackets
  std::uint16_t port = 6379;
  std::string socket_path;  // transport unix_socket
  int database = 0;
  std::string user;                // empty: the server's default user
  std::string password;            // empty: no AUTH
  bool password_in_url = false;    // the URL itself held it
  std::string ca_file;             // tls: PEM file of the authority; empty: the system's
  bool verify_certificate = true;  // tls; off only with ?verify=no
  bool operator==(const Endpoint&) const = default;
};

/// Fails with `usage`, saying what is wrong and what a URL looks like. %XX in user, password, paths
/// and file names is decoded.
[[nodiscard]] Expected<Endpoint> parse_endpoint(std::string_view url);

/// The same URL without the password, for logs and for the command lines of children; parses back
/// to the same endpoint but for the password.
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

/// Fills `password` from PHOTOSCRIBE_REDIS_PASSWORD, or from the first line of the file named by
/// PHOTOSCRIBE_REDIS_PASSWORD_FILE. Leaves the endpoint alone when neither is set. Fails with
/// `environment` when the file cannot be read, and with `usage` when the URL held a password.
[[nodiscard]] Status take_password_from_environment(Endpoint& endpoint);

}  // namespace photoscribe::redis
