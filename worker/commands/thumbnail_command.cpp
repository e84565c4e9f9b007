#include "worker/commands/thumbnail_command.h"

#include <filesystem>
#include <fstream>
#include <iostream>

#include "common/image/thumbnail.h"
#include "worker/photo/open_beneath.h"

namespace photoscribe {
namespace {

std::vector<std::uint8_t> thumbnail_of(const std::string& file, const PhotoRoot& everything,
                                       const ThumbnailCommand& command, FileBuffer& buffer) {
  std::error_code failed;
  const std::string absolute = std::filesystem::absolute(file, failed).string();
  if (failed || absolute.size() < 2) return {};
  const auto bytes = buffer.read(everything, absolute.substr(1), command.limits.file_bytes_max);
  if (!bytes) return {};
  const auto measured = measure_photo(*bytes, BlurSettings(), command.limits);
  if (!measured) return {};
  return jpeg_thumbnail(*bytes, command.side_px, *measured, command.limits)
      .value_or(std::vector<std::uint8_t>());
}

}  // namespace

int run_thumbnail_command(const ThumbnailCommand& command) {
  constexpr int kEnvironment = 3;
  const auto everything = PhotoRoot::open("files", "/");
  if (!everything) {
    std::cerr << "photoscribe-worker thumbnails: " << everything.error().message << "\n";
    return kEnvironment;
  }
  FileBuffer buffer;
  for (std::size_t i = 0; i < command.files.size(); ++i) {
    const auto jpeg = thumbnail_of(command.files[i], *everything, command, buffer);
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
