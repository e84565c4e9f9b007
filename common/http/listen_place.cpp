#include "common/http/listen_place.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <string_view>

namespace photoscribe::http {

std::string address_of(const ListenPlace& place, std::uint16_t port) {
  const bool v6 = place.address.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + place.address + "]" : place.address) + ":" + std::to_string(port) +
         "/";
}

Expected<ListenPlace> parse_listen_place(const std::string& text, const std::string& option) {
  ListenPlace place;
  std::string_view port = text;
  if (const auto colon = text.rfind(':'); colon != std::string::npos) {
    place.address = text.substr(0, colon);
    port = std::string_view(text).substr(colon + 1);
    if (place.address.starts_with('[') && place.address.ends_with(']')) {
      place.address = place.address.substr(1, place.address.size() - 2);
    }
  }
  const auto [stop, wrong] = std::from_chars(port.data(), port.data() + port.size(), place.port);
  if (wrong != std::errc{} || stop != port.data() + port.size() || place.address.empty()) {
    return fail(Errc::usage,
                option + ": \"" + text + "\" is not PORT or HOST:PORT, such as 127.0.0.1:8080");
  }
  if (place.address == "localhost") place.address = "127.0.0.1";
  boost::system::error_code unknown;
  const auto address = boost::asio::ip::make_address(place.address, unknown);
  if (unknown) {
    return fail(Errc::usage,
                option + ": " + place.address + " is not an IP address of this machine");
  }
  place.loopback = address.is_loopback();
  return place;
}

}  // namespace photoscribe::http
