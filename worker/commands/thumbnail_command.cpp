#include "worker/commands/thumbnail_command.h"

#include <charconv>
#include <fstream>
#include <iostream>

#include "common/image/thumbnail.h"
#include "worker/photo/named_photos.h"

namespace photoscribe {
namespace {

constexpr int kEnvironment = 3, kUsage = 2;
constexpr int kSideMin = 16, kSideMax = 1024;

std::vector<std::uint8_t> thumbnail_of(const std::string& file, int side_px, PhotosByName& photos,
                                       const DecodeLimits& limits) {
  const auto bytes = photos.read(file, limits.file_bytes_max);
  if (!bytes) return {};
  const auto measured = measure_photo(*bytes, BlurSettings(), limits);
  if (!measured) return {};
  return jpeg_thumbnail(*bytes, side_px, *measured, limits).value_or(std::vector<std::uint8_t>());
}

Expected<PhotosByName> open_photos(const RemoteSettings& remote) {
  auto photos = PhotosByName::open(remote);
  if (!photos) std::cerr << "photoscribe-worker thumbnails: " << photos.error().message << "\n";
  return photos;
}

}  // namespace

int run_thumbnail_command(const ThumbnailCommand& command) {
  auto photos = open_photos(command.remote);
  if (!photos) return kEnvironment;
  for (std::size_t i = 0; i < command.files.size(); ++i) {
    const auto jpeg = thumbnail_of(command.files[i], command.side_px, *photos, command.limits);
    if (jpeg.empty()) continue;
    const std::string name = command.output + "/" + std::to_string(i) + ".jpg";
    std::ofstream out(name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(jpeg.data()),
              static_cast<std::streamsize>(jpeg.size()));
    out.close();
    if (!out) {
      std::cerr << "photoscribe-worker thumbnails: " << name << ": cannot be written\n";
      return kEnvironment;
    }
  }
  return 0;
}

int run_thumbnail_server(const DecodeLimits& limits, const RemoteSettings& remote, std::istream& in,
                         std::ostream& out) {
  auto photos = open_photos(remote);
  if (!photos) return kEnvironment;
  for (std::string request; std::getline(in, request, '\0');) {
    int side_px = 0;
    const char* const end = request.data() + request.size();
    const auto [stop, wrong] = std::from_chars(request.data(), end, side_px);
    if (wrong != std::errc{} || stop == end || *stop != ' ' || side_px < kSideMin ||
        side_px > kSideMax) {
      std::cerr << "photoscribe-worker thumbnails: not a request: SIDE PATH and a NUL\n";
      return kUsage;
    }
    const auto jpeg = thumbnail_of({stop + 1, end}, side_px, *photos, limits);
    out << jpeg.size() << '\n';
    out.write(reinterpret_cast<const char*>(jpeg.data()),
              static_cast<std::streamsize>(jpeg.size()));
    out.flush();
    if (!out) return kEnvironment;
  }
  return 0;
}

}  // namespace photoscribe
