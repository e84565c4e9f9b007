#include "common/redis/endpoint.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>

namespace photoscribe::redis {
namespace {

constexpr std::string_view kForms =
    "; write redis://[user@]host[:port][/db], rediss://host[:port][/db][?ca=FILE] or "
    "unix:/path/to/socket[?db=N], or redis+sentinel://host[:port][,host[:port]...]/service[/db]";

constexpr std::uint16_t kSentinelPort = 26'379;

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
Expected<HostPort> read_host(std::string_view text, std::uint16_t default_port) {
  HostPort place{{}, default_port};
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
  place.host = host;
  if (!port.empty()) {
    const auto number = parse_number(port.substr(1), 65'535);
    if (!number || *number == 0) return bad("port is not a number from 1 to 65535");
    place.port = static_cast<std::uint16_t>(*number);
  }
  return place;
}

/// "host:port,host:port/service" or "…/service/db"; what is left behind the service is the
/// database.
Status read_sentinels(std::string_view& rest, Endpoint& endpoint) {
  const auto slash = rest.find('/');
  std::string_view hosts = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  const auto end = rest.find('/');
  const auto service = decode(rest.substr(0, end));
  if (!service || service->empty()) return bad("no name of the service behind the Sentinels");
  endpoint.service = *service;
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  while (true) {
    const auto comma = hosts.find(',');
    auto place = read_host(hosts.substr(0, comma), kSentinelPort);
    if (!place) return fail(place.error());
    endpoint.sentinels.push_back(std::move(*place));
    if (comma == std::string_view::npos) return {};
    hosts.remove_prefix(comma + 1);
  }
}

Expected<Endpoint> parse_network(std::string_view rest, Transport transport, std::string_view query,
                                 bool by_sentinels) {
  Endpoint endpoint;
  endpoint.transport = transport;
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    if (Status login = read_login(rest.substr(0, at), endpoint); !login) return fail(login.error());
    rest = rest.substr(at + 1);
  }
  if (by_sentinels) {
    if (Status read = read_sentinels(rest, endpoint); !read) return fail(read.error());
  }
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos && slash + 1 < rest.size()) {
    const auto db = parse_number(rest.substr(slash + 1), kDatabaseMax);
    if (!db) return bad("the part after '/' is not a database number");
    endpoint.database = *db;
  }
  if (!by_sentinels) {
    auto place = read_host(rest.substr(0, slash), endpoint.port);
    if (!place) return fail(place.error());
    endpoint.host = std::move(place->host);
    endpoint.port = place->port;
  }
  if (Status read = read_query(query, endpoint); !read) return fail(read.error());
  return endpoint;
}

}  // namespace

Expected<Endpoint> parse_endpoint(std::string_view url) {
  const auto question = url.find('?');
  const std::string_view query =
      question == std::string_view::npos ? std::string_view() : url.substr(question + 1);
  const std::string_view body = url.substr(0, question);
  struct Scheme {
    std::string_view text;
    Transport transport;
    bool by_sentinels;
  };
  for (const Scheme& scheme :
       {Scheme{"redis://", Transport::tcp, false}, Scheme{"rediss://", Transport::tls, false},
        Scheme{"redis+sentinel://", Transport::tcp, true},
        Scheme{"rediss+sentinel://", Transport::tls, true}}) {
    if (!body.starts_with(scheme.text)) continue;
    return parse_network(body.substr(scheme.text.size()), scheme.transport, query,
                         scheme.by_sentinels);
  }
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
  const auto place = [](const std::string& host, std::uint16_t port) {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ':' + std::to_string(port);
  };
  std::string url = endpoint.transport == Transport::tls ? "rediss" : "redis";
  if (endpoint.sentinels.empty()) {
    url += "://" + user + place(endpoint.host, endpoint.port);
  } else {
    url += "+sentinel://" + user;
    const char* separator = "";
    for (const HostPort& sentinel : endpoint.sentinels) {
      url += separator + place(sentinel.host, sentinel.port);
      separator = ",";
    }
    url += '/' + encode(endpoint.service, "-._~");
  }
  url += '/' + std::to_string(endpoint.database);
  char separator = '?';
  if (!endpoint.ca_file.empty()) {
    url += separator + std::string("ca=") + encode(endpoint.ca_file, "-._~/");
    separator = '&';
  }
  if (!endpoint.verify_certificate) url += separator + std::string("verify=no");
  return url;
}

namespace {

/// From the variable `name`, or from the first line of the file that `name`_FILE names; empty when
/// neither is set.
Expected<std::string> password_of(const std::string& name) {
  if (const char* password = std::getenv(name.c_str()); password && *password)
    return std::string(password);
  const std::string file_variable = name + "_FILE";
  const char* file = std::getenv(file_variable.c_str());
  if (!file || !*file) return std::string();
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line) || line.empty()) {
    return fail(Errc::environment,
                file_variable + ": cannot read a password from " + std::string(file));
  }
  if (line.back() == '\r') line.pop_back();
  return line;
}

}  // namespace

Status take_password_from_environment(Endpoint& endpoint) {
  if (endpoint.password_in_url) {
    return fail(Errc::usage,
                "Redis URL: holds a password, which everyone on this machine can read in the "
                "process list; put it in PHOTOSCRIBE_REDIS_PASSWORD or in the file that "
                "PHOTOSCRIBE_REDIS_PASSWORD_FILE names");
  }
  auto password = password_of("PHOTOSCRIBE_REDIS_PASSWORD");
  if (!password) return fail(password.error());
  if (!password->empty()) endpoint.password = std::move(*password);
  if (endpoint.sentinels.empty()) return {};
  auto sentinel = password_of("PHOTOSCRIBE_SENTINEL_PASSWORD");
  if (!sentinel) return fail(sentinel.error());
  if (!sentinel->empty()) endpoint.sentinel_password = std::move(*sentinel);
  return {};
}

}  // namespace photoscribe::redis
