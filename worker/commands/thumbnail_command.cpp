#include "worker/commands/thumbnail_command.h"

#include <fstream>
#include <iostream>

#include "common/image/thumbnail.h"
#include "worker/photo/named_photos.h"

namespace photoscribe {
namespace {

std::vector<std::uint8_t> thumbnail_of(const std::string& file, NamedPhotos& photos,
                                       const ThumbnailCommand& command) {
  const auto bytes = photos.read(file, command.limits.file_bytes_max);
  if (!bytes) return {};
  const auto measured = measure_photo(*bytes, BlurSettings(), command.limits);
  if (!measured) return {};
  return jpeg_thumbnail(*bytes, command.side_px, *measured, command.limits)
      .value_or(std::vector<std::uint8_t>());
}

}  // namespace

int run_thumbnail_command(const ThumbnailCommand& command) {
  constexpr int kEnvironment = 3;
  auto photos = NamedPhotos::open();
  if (!photos) {
    std::cerr << "photoscribe-worker thumbnails: " << photos.error().message << "\n";
    return kEnvironment;
  }
  for (std::size_t i = 0; i < command.files.size(); ++i) {
    const auto jpeg = thumbnail_of(command.files[i], *photos, command);
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

}  // namespace photoscribe
