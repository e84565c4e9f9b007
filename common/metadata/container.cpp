#include "common/metadata/container.h"

#include <algorithm>
#include <array>

namespace photoscribe::metadata {
namespace {

Container container_of(std::string_view head) {
  if (head.starts_with("\xff\xd8\xff")) return Container::jpeg;
  if (head.starts_with("\x89PNG\r\n\x1a\n")) return Container::png;
  if (head.starts_with("RIFF") && head.substr(8, 4) == "WEBP") return Container::webp;
  if (head.starts_with(std::string_view("II*\0", 4)) ||
      head.starts_with(std::string_view("MM\0*", 4)))
    return Container::tiff;
  return Container::other;
}

}  // namespace

Expected<FileMetadata> read_metadata(ByteSource& file) {
  std::string head;
  if (!file.read(0, 12, head)) return FileMetadata{};
  switch (container_of(head)) {
    case Container::jpeg:
      return jpeg::read(file);
    case Container::png:
      return png::read(file);
    case Container::webp:
      return webp::read(file);
    case Container::tiff:
      return tiff::read(file);
    case Container::other:
      break;
  }
  return FileMetadata{};
}

Expected<Edits> with_xmp(ByteSource& file, const FileMetadata& now, const std::string& packet) {
  switch (now.container) {
    case Container::jpeg:
      return jpeg::with_xmp(now, packet);
    case Container::png:
      return png::with_xmp(now, packet);
    case Container::webp:
      return webp::with_xmp(file, now, packet);
    case Container::tiff:
      return tiff::with_xmp(file, now, packet);
    case Container::other:
      break;
  }
  return fail(Errc::bad_payload,
              "only JPEG, PNG, WebP and TIFF take text; a sidecar can stand beside any photo");
}

std::string human_description(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  constexpr std::array<std::string_view, 17> kCameras{"OLYMPUS DIGITAL CAMERA",
                                                      "MINOLTA DIGITAL CAMERA",
                                                      "KONICA MINOLTA DIGITAL CAMERA",
                                                      "SONY DSC",
                                                      "SAMSUNG DIGITAL CAMERA",
                                                      "SAMSUNG CAMERA PICTURES",
                                                      "SAMSUNG",
                                                      "DIGITAL CAMERA",
                                                      "Digital Camera",
                                                      "KODAK Digital Still Camera",
                                                      "Exif_JPEG_PICTURE",
                                                      "Exif JPEG",
                                                      "DCF 1.0",
                                                      "Default",
                                                      "default",
                                                      "Untitled",
                                                      "untitled"};
  if (std::find(kCameras.begin(), kCameras.end(), text) != kCameras.end()) return {};
  constexpr std::array<std::string_view, 3> kBegins{"<Digimax ", "<KENOX ", "DCIM\\"};
  for (const std::string_view begin : kBegins) {
    if (text.starts_with(begin)) return {};
  }
  return std::string(text);
}

}  // namespace photoscribe::metadata
