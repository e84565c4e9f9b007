#include "common/remote/address_rule.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>
#include <utility>

namespace photoscribe {
namespace {

std::string judged(const char* text) {
  sockaddr_storage place{};
  auto* const in = reinterpret_cast<sockaddr_in*>(&place);
  auto* const in6 = reinterpret_cast<sockaddr_in6*>(&place);
  if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
  } else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
    in6->sin6_family = AF_INET6;
  }
  const auto& address = reinterpret_cast<const sockaddr&>(place);
  EXPECT_EQ(text_of(address).empty(), false);
  return std::string(what_is_not_public(address));
}

TEST(AddressRule, NamesWhatIsNotOfThePublicInternet) {
  const std::pair<const char*, const char*> table[]{
      {"0.0.0.0", "this network"},
      {"0.255.1.2", "this network"},
      {"1.1.1.1", ""},
      {"9.255.255.255", ""},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"11.0.0.0", ""},
      {"100.63.255.255", ""},
      {"100.64.0.0", "carrier-grade NAT"},
      {"100.127.255.255", "carrier-grade NAT"},
      {"100.128.0.0", ""},
      {"126.255.255.255", ""},
      {"127.0.0.1", "loopback"},
      {"127.255.255.254", "loopback"},
      {"128.0.0.1", ""},
      {"169.253.255.255", ""},
      {"169.254.169.254", "link-local"},
      {"172.15.255.255", ""},
      {"172.16.0.1", "private"},
      {"172.31.255.255", "private"},
      {"172.32.0.0", ""},
      {"192.0.0.8", "reserved"},
      {"192.0.1.0", ""},
      {"192.0.2.1", "reserved"},
      {"192.167.255.255", ""},
      {"192.168.0.1", "private"},
      {"192.169.0.0", ""},
      {"198.17.255.255", ""},
      {"198.18.0.1", "reserved"},
      {"198.19.255.255", "reserved"},
      {"198.20.0.0", ""},
      {"198.51.100.7", "reserved"},
      {"203.0.113.7", "reserved"},
      {"223.255.255.255", ""},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.1", "reserved"},
      {"255.255.255.255", "broadcast"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::2", "reserved"},
      {"::127.0.0.1", "reserved"},
      {"::ffff:127.0.0.1", "loopback"},
      {"::ffff:10.1.2.3", "private"},
      {"::ffff:169.254.169.254", "link-local"},
      {"::ffff:8.8.8.8", ""},
      {"::ffff:0:127.0.0.1", "loopback"},
      {"64:ff9b::10.0.0.1", "private"},
      {"64:ff9b::8.8.8.8", ""},
      {"64:ff9b:1::1", "private"},
      {"100::1", "discard"},
      {"2001::1", "Teredo"},
      {"2001:20::1", "reserved"},
      {"2001:2f:ffff::1", "reserved"},
      {"2001:db8::1", "reserved"},
      {"2001:4860:4860::8888", ""},
      {"2002:7f00:1::", "loopback"},
      {"2002:c0a8:101::", "private"},
      {"2002:808:808::", ""},
      {"2606:4700::1111", ""},
      {"fbff::1", ""},
      {"fc00::1", "unique-local"},
      {"fdff:ffff::1", "unique-local"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fec0::1", "site-local"},
      {"feff::1", "site-local"},
      {"ff02::1", "multicast"},
  };
  for (const auto& [address, what] : table) EXPECT_EQ(judged(address), what) << address;
}

TEST(AddressRule, RefusesWhatIsNoInternetAddress) {
  sockaddr place{};
  place.sa_family = AF_UNIX;
  EXPECT_EQ(what_is_not_public(place), "no internet address");
}

}  // namespace
}  // namespace photoscribe
