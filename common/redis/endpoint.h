// endpoint: where a Redis server is and how to log in there, read from a URL.
//
//   redis://[user[:password]@]host[:port][/db]     rediss://…[?ca=FILE&verify=no] unix:/path[?db=N]
//   redis+sentinel://[user[:password]@]host[:port][,host[:port]…]/service[/db] rediss+sentinel://…
//
// With Sentinels, hosts are theirs and the server is the master of `service` whenever a connection
// is made; user, database and TLS are of the server (TLS of both).
//
// Secrets: to_string() never shows the password. A password inside a URL on a command line is
// refused by the program that reads it (Endpoint::password_in_url); it comes from the environment
// or a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"

namespace photoscribe::redis {

enum class Transport : std::uint8_t { tcp, tls, unix_socket };

struct HostPort {
  std::string host;  // name or address; IPv6 without brackets
  std::uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
};

struct Endpoint {
  Transport transport = Transport::tcp;
  std::string host = "127.0.0.1";   // as HostPort's; with Sentinels it means nothing
  std::uint16_t port = 6379;        // with Sentinels it means nothing
  std::vector<HostPort> sentinels;  // none: `host` itself is the server
  std::string service;              // what the Sentinels call the replicated set
  std::string sentinel_password;    // empty: Sentinels ask for none
  std::string socket_path;          // transport unix_socket
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
/// PHOTOSCRIBE_REDIS_PASSWORD_FILE, and `sentinel_password` likewise from
/// PHOTOSCRIBE_SENTINEL_PASSWORD(_FILE). Leaves alone what is not set. Fails with `environment`
/// when a file cannot be read, and with `usage` when the URL held a password.
[[nodiscard]] Status take_password_from_environment(Endpoint& endpoint);

}  // namespace photoscribe::redis
