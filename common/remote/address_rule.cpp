#include "common/remote/address_rule.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace photoscribe {
namespace {

struct Net4 {
  std::uint32_t address;  // host order
  int bits;
  std::string_view what;
};

constexpr std::uint32_t ip(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// IANA's registry of special-purpose addresses (RFC 6890 and its updates).
constexpr std::array<Net4, 16> kNets4{{{ip(0, 0, 0, 0), 8, "this network"},
                                       {ip(10, 0, 0, 0), 8, "private"},
                                       {ip(100, 64, 0, 0), 10, "carrier-grade NAT"},
                                       {ip(127, 0, 0, 0), 8, "loopback"},
                                       {ip(169, 254, 0, 0), 16, "link-local"},
                                       {ip(172, 16, 0, 0), 12, "private"},
                                       {ip(192, 0, 0, 0), 24, "reserved"},
                                       {ip(192, 0, 2, 0), 24, "reserved"},
                                       {ip(192, 88, 99, 0), 24, "reserved"},
                                       {ip(192, 168, 0, 0), 16, "private"},
                                       {ip(198, 18, 0, 0), 15, "reserved"},
                                       {ip(198, 51, 100, 0), 24, "reserved"},
                                       {ip(203, 0, 113, 0), 24, "reserved"},
                                       {ip(224, 0, 0, 0), 4, "multicast"},
                                       {ip(255, 255, 255, 255), 32, "broadcast"},
                                       {ip(240, 0, 0, 0), 4, "reserved"}}};

std::string_view what_is_not_public(std::uint32_t address) {
  for (const Net4& net : kNets4) {
    const std::uint32_t mask = net.bits == 0 ? 0 : ~std::uint32_t{0} << (32 - net.bits);
    if ((address & mask) == net.address) return net.what;
  }
  return {};
}

struct Net6 {
  std::array<std::uint8_t, 16> address;
  int bits;
  std::string_view what;  // empty: an IPv4 address is in it, whose rule holds
  int ipv4_at = -1;       // byte
};

constexpr std::array<Net6, 16> kNets6{{
    {{}, 128, "unspecified"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, "", 12},  // v4-mapped
    {{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, "", 12},        // v4-translated
    {{}, 96, "reserved"},                                      // v4-compatible, long abolished
    {{0, 0x64, 0xff, 0x9b}, 96, "", 12},                       // NAT64
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, "private"},
    {{1}, 64, "discard"},
    {{0x20, 0x01}, 32, "Teredo"},
    {{0x20, 0x01, 0, 0x20}, 28, "reserved"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "reserved"},
    {{0x20, 0x02}, 16, "", 2},  // 6to4
    {{0xfc}, 7, "unique-local"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "site-local"},
    {{0xff}, 8, "multicast"},
}};

bool lies_within(std::span<const std::uint8_t, 16> address, const Net6& net) {
  const auto whole = static_cast<std::size_t>(net.bits / 8);
  if (std::memcmp(address.data(), net.address.data(), whole) != 0) return false;
  const int rest = net.bits % 8;
  if (rest == 0) return true;
  const int mask = 0xff << (8 - rest) & 0xff;
  return (address[whole] & mask) == (net.address[whole] & mask);
}

std::string_view what_is_not_public(std::span<const std::uint8_t, 16> address) {
  for (const Net6& net : kNets6) {
    if (!lies_within(address, net)) continue;
    if (net.ipv4_at < 0) return net.what;
    const auto at = static_cast<std::size_t>(net.ipv4_at);
    return what_is_not_public(ip(address[at], address[at + 1], address[at + 2], address[at + 3]));
  }
  return {};
}

}  // namespace

std::string_view what_is_not_public(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    return what_is_not_public(ntohl(in.sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return "no internet address";
  sockaddr_in6 in{};
  std::memcpy(&in, &address, sizeof in);
  return what_is_not_public(std::span<const std::uint8_t, 16>(in.sin6_addr.s6_addr));
}

std::string text_of(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  sockaddr_in in{};
  sockaddr_in6 in6{};
  if (address.sa_family == AF_INET) {
    std::memcpy(&in, &address, sizeof in);
    bytes = &in.sin_addr;
  } else if (address.sa_family == AF_INET6) {
    std::memcpy(&in6, &address, sizeof in6);
    bytes = &in6.sin6_addr;
  }
  if (bytes == nullptr || inet_ntop(address.sa_family, bytes, text.data(), text.size()) == nullptr)
    return "?";
  return text.data();
}

}  // namespace photoscribe
