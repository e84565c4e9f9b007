#include "scheduler/store/image_extensions.h"

#include <algorithm>
#include <array>

namespace photoscribe {
namespace {

// Sorted: those that are decoded and those that fail as `unsupported`.
constexpr std::array<std::string_view, 68> kExtensions{
    "3fr", "apng", "arw",   "avif", "avifs", "bmp",  "btf",  "cr2",   "cr3",  "crw",   "dcr", "dib",
    "dng", "erf",  "exr",   "fff",  "gif",   "hdr",  "heic", "heics", "heif", "heifs", "hif", "ico",
    "iiq", "j2k",  "jfi",   "jfif", "jif",   "jp2",  "jpe",  "jpeg",  "jpf",  "jpg",   "jps", "jpx",
    "jxl", "k25",  "kdc",   "mef",  "mos",   "mpo",  "mrw",  "nef",   "nrw",  "orf",   "pbm", "pef",
    "pgm", "pjp",  "pjpeg", "png",  "pnm",   "ppm",  "psd",  "raf",   "raw",  "rw2",   "rwl", "sr2",
    "srf", "srw",  "tf8",   "tga",  "tif",   "tiff", "webp", "x3f"};
static_assert(std::is_sorted(kExtensions.begin(), kExtensions.end()));
constexpr std::size_t kLongest = 5;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// What web sites append to the extension of a saved photo: "jpg_large", "jpg:orig",
// "jpg-4096x4096", and a query, "jpg?w=800" or "jpg!large".
bool is_size_of_a_site(std::string_view suffix) noexcept {
  if (suffix.empty() || suffix.front() == '?' || suffix.front() == '!') return true;
  if (suffix.front() != '_' && suffix.front() != '-' && suffix.front() != ':') return false;
  const std::string_view word = suffix.substr(1);
  for (const std::string_view name : {"large", "medium", "small", "thumb", "orig"})
    if (word == name) return true;
  const auto cross = word.find('x');
  return cross != std::string_view::npos && cross > 0 && cross + 1 < word.size() &&
         std::all_of(word.begin(), word.end(), [](char c) { return is_digit(c) || c == 'x'; });
}

}  // namespace

bool has_image_extension(std::string_view name) noexcept {
  const auto query = name.find_first_of("?!");
  const auto dot = name.substr(0, query).rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view after = name.substr(dot + 1);
  std::array<char, kLongest> lower{};
  std::size_t length = 0;
  for (; length < after.size(); ++length) {
    char c = after[length];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!is_digit(c) && (c < 'a' || c > 'z')) break;
    if (length == lower.size()) return false;
    lower[length] = c;
  }
  return std::binary_search(kExtensions.begin(), kExtensions.end(),
                            std::string_view(lower.data(), length)) &&
         is_size_of_a_site(after.substr(length));
}

}  // namespace photoscribe
