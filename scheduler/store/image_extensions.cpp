#include <algorithm>
#include <array>

#include "scheduler/store/sources.h"

namespace photoscribe {
namespace {

// Sorted. The first group of each letter is decoded; the rest (HEIC, AVIF, camera RAW …) fails as
// `unsupported`.
constexpr std::array<std::string_view, 56> kExtensions{
    "3fr", "apng", "arw", "avif", "bmp",  "cr2",  "cr3",  "crw", "dcr", "dib", "dng",  "erf",
    "exr", "fff",  "gif", "hdr",  "heic", "heif", "hif",  "ico", "iiq", "j2k", "jfif", "jp2",
    "jpe", "jpeg", "jpf", "jpg",  "jpx",  "jxl",  "k25",  "kdc", "mef", "mos", "mrw",  "nef",
    "nrw", "orf",  "pbm", "pef",  "pgm",  "png",  "pnm",  "ppm", "psd", "raf", "raw",  "rw2",
    "rwl", "sr2",  "srf", "srw",  "tga",  "tif",  "tiff", "webp"};
static_assert(std::is_sorted(kExtensions.begin(), kExtensions.end()));

}  // namespace

bool has_image_extension(std::string_view name) noexcept {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view extension = name.substr(dot + 1);
  std::array<char, 4> lower{};
  if (extension.empty() || extension.size() > lower.size()) return false;
  for (std::size_t i = 0; i < extension.size(); ++i) {
    const char c = extension[i];
    lower[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return std::binary_search(kExtensions.begin(), kExtensions.end(),
                            std::string_view(lower.data(), extension.size()));
}

}  // namespace photoscribe
