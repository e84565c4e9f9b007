#include "common/redis/endpoint.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>

namespace photoscribe::redis {
namespace {

constexpr std::string_view kForms =
    "; write redis://[user@]host[:port][/db], rediss://host[:port][/db][?ca=FILE] or "
    "unix:/path/to/socket[?db=N]";

auto bad(std::string_view what) {
  return fail(Errc::usage, "Redis URL: " + std::string(what) + std::string(kForms));
}

std::optional<int> digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

/// %XX to bytes; a '%' without two hex digits, or %00, gives nothing.
std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = digit(text[i + 1]);
    const auto low = digit(text[i + 2]);
    if (!high || !low || *high + *low == 0) return std::nullopt;
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

std::string encode(std::string_view text, std::string_view keep) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') || keep.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

std::optional<int> parse_number(std::string_view text, int max) {
  int value = -1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < 0 || value > max) return std::nullopt;
  return value;
}

constexpr int kDatabaseMax = 1'000'000;

Status read_query(std::string_view query, Endpoint& endpoint) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const auto equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    const auto value =
        decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (!value) return bad("bad %XX in the query");
    if (name == "db" && endpoint.transport == Transport::unix_socket) {
      const auto db = parse_number(*value, kDatabaseMax);
      if (!db) return bad("db is not a number");
      endpoint.database = *db;
    } else if (name == "ca" && endpoint.transport == Transport::tls && !value->empty()) {
      endpoint.ca_file = *value;
    } else if (name == "verify" && endpoint.transport == Transport::tls && *value == "no") {
      endpoint.verify_certificate = false;
    } else {
      return bad("does not know \"" + std::string(pair) + "\"");
    }
  }
  return {};
}

Status read_login(std::string_view login, Endpoint& endpoint) {
  const auto colon = login.find(':');
  const auto user = decode(login.substr(0, colon));
  if (!user) return bad("bad %XX in the user");
  endpoint.user = *user;
  if (colon == std::string_view::npos) return {};
  const auto password = decode(login.substr(colon + 1));
  if (!password) return bad("bad %XX in the password");
  endpoint.password = *password;
  endpoint.password_in_url = !password->empty();
  return {};
}

/// "host", "host:port", "[v6]", "[v6]:port"
Status read_host(std::string_view text, Endpoint& endpoint) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return bad("no ']' after the IPv6 address");
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && port.front() != ':') return bad("something other than a port after ']'");
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (host.empty()) return bad("no host");
  endpoint.host = host;
  if (!port.empty()) {
    const auto number = parse_number(port.substr(1), 65'535);
    if (!number || *number == 0) return bad("port is not a number from 1 to 65535");
    endpoint.port = static_cast<std::uint16_t>(*number);
  }
  return {};
}

Expected<Endpoint> parse_network(std::string_view rest, Transport transport,
                                 std::string_view query) {
  Endpoint endpoint;
  endpoint.transport = transport;
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    if (Status login = read_login(rest.substr(0, at), endpoint); !login) return fail(login.error());
    rest = rest.substr(at + 1);
  }
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos && slash + 1 < rest.size()) {
    const auto db = parse_number(rest.substr(slash + 1), kDatabaseMax);
    if (!db) return bad("the part after '/' is not a database number");
    endpoint.database = *db;
  }
  if (Status host = read_host(rest.substr(0, slash), endpoint); !host) return fail(host.error());
  if (Status read = read_query(query, endpoint); !read) return fail(read.error());
  return endpoint;
}

}  // namespace

Expected<Endpoint> parse_endpoint(std::string_view url) {
  const auto question = url.find('?');
  const std::string_view query =
      question == std::string_view::npos ? std::string_view() : url.substr(question + 1);
  const std::string_view body = url.substr(0, question);
  if (body.starts_with("redis://")) return parse_network(body.substr(8), Transport::tcp, query);
  if (body.starts_with("rediss://")) return parse_network(body.substr(9), Transport::tls, query);
  if (!body.starts_with("unix:")) return bad("unknown scheme");
  Endpoint endpoint;
  endpoint.transport = Transport::unix_socket;
  std::string_view path = body.substr(5);
  if (path.starts_with("//")) path.remove_prefix(2);
  if (const auto at = path.find('@'); at != std::string_view::npos && !path.starts_with('/')) {
    if (Status login = read_login(path.substr(0, at), endpoint); !login) return fail(login.error());
    path.remove_prefix(at + 1);
  }
  const auto decoded = decode(path);
  if (!decoded || decoded->empty()) return bad("no socket path");
  if (decoded->size() > 107) return bad("the socket's path is longer than 107 bytes");
  endpoint.socket_path = *decoded;
  if (Status read = read_query(query, endpoint); !read) return fail(read.error());
  return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
  const std::string user = endpoint.user.empty() ? "" : encode(endpoint.user, "-._~") + "@";
  if (endpoint.transport == Transport::unix_socket) {
    return "unix:" + user + encode(endpoint.socket_path, "-._~/+=:,@") +
           (endpoint.database == 0 ? "" : "?db=" + std::to_string(endpoint.database));
  }
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  std::string url = endpoint.transport == Transport::tls ? "rediss://" : "redis://";
  url += user + (v6 ? "[" + endpoint.host + "]" : endpoint.host);
  url += ':' + std::to_string(endpoint.port) + '/' + std::to_string(endpoint.database);
  char separator = '?';
  if (!endpoint.ca_file.empty()) {
    url += separator + std::string("ca=") + encode(endpoint.ca_file, "-._~/");
    separator = '&';
  }
  if (!endpoint.verify_certificate) url += separator + std::string("verify=no");
  return url;
}

Status take_password_from_environment(Endpoint& endpoint) {
  if (endpoint.password_in_url) {
    return fail(Errc::usage,
                "Redis URL: holds a password, which everyone on this machine can read in the "
                "process list; put it in PHOTOSCRIBE_REDIS_PASSWORD or in the file that "
                "PHOTOSCRIBE_REDIS_PASSWORD_FILE names");
  }
  if (const char* password = std::getenv("PHOTOSCRIBE_REDIS_PASSWORD"); password && *password) {
    endpoint.password = password;
    return {};
  }
  const char* file = std::getenv("PHOTOSCRIBE_REDIS_PASSWORD_FILE");
  if (!file || !*file) return {};
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line) || line.empty()) {
    return fail(Errc::environment, "PHOTOSCRIBE_REDIS_PASSWORD_FILE: cannot read a password from " +
                                       std::string(file));
  }
  if (line.back() == '\r') line.pop_back();
  endpoint.password = line;
  return {};
}

}  // namespace photoscribe::redis
