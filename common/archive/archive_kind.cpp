#include "common/archive/archive_kind.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

namespace photoscribe {
namespace {

using namespace std::string_view_literals;

constexpr std::array kExtensions{".tar"sv,  ".zip"sv,     ".tgz"sv,     ".tar.gz"sv,   ".tzst"sv,
                                 ".tbz2"sv, ".tar.bz2"sv, ".tar.zst"sv, ".txz"sv,      ".tar.xz"sv,
                                 ".tbz"sv,  ".tar.lz4"sv, ".taz"sv,     ".tar.lzma"sv, ".tar.Z"sv};
constexpr std::array kZip{"PK\x03\x04"sv, "PK\x05\x06"sv, "PK\x07\x08"sv};
constexpr std::array kPacked{"\x1f\x8b"sv,
                             "\x1f\x9d"sv,
                             "BZh"sv,
                             "\xfd"
                             "7zXZ\0"sv,
                             "\x28\xb5\x2f\xfd"sv,
                             "\x04\x22\x4d\x18"sv};

template <std::size_t N>
bool begins_with_any(std::string_view bytes, const std::array<std::string_view, N>& marks) {
  return std::any_of(marks.begin(), marks.end(),
                     [&](std::string_view mark) { return bytes.starts_with(mark); });
}

/// The header's checksum: the sum of its bytes with the checksum's own as spaces. Also of a tar of
/// before POSIX, which has no mark.
bool is_tar_header(std::span<const std::uint8_t> bytes) noexcept {
  constexpr std::size_t kAt = 148, kEnd = 156;
  if (bytes.size() < kKindBytes || bytes[0] == 0) return false;
  unsigned sum = 0, stated = 0;
  for (std::size_t i = 0; i < kKindBytes; ++i) sum += i >= kAt && i < kEnd ? ' ' : bytes[i];
  bool digits = false;
  for (std::size_t i = kAt; i < kEnd; ++i) {
    if (bytes[i] == ' ' && !digits) continue;
    if (bytes[i] < '0' || bytes[i] > '7') break;
    digits = true;
    stated = stated * 8 + (bytes[i] - unsigned{'0'});
  }
  return digits && stated == sum;
}

bool ends_with(std::string_view name, std::string_view end) noexcept {
  if (name.size() <= end.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(end.begin(), end.end(), name.end() - static_cast<std::ptrdiff_t>(end.size()),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace

ArchiveKind archive_kind(std::span<const std::uint8_t> first_bytes) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(first_bytes.data()),
                              first_bytes.size());
  if (begins_with_any(text, kZip)) return ArchiveKind::zip;
  if (begins_with_any(text, kPacked)) return ArchiveKind::packed_tar;
  return is_tar_header(first_bytes) ? ArchiveKind::tar : ArchiveKind::none;
}

ArchiveKind archive_kind_of(int file) noexcept {
  std::array<std::uint8_t, kKindBytes> bytes{};
  const ssize_t got = ::pread(file, bytes.data(), bytes.size(), 0);
  if (got <= 0) return ArchiveKind::none;
  return archive_kind(std::span(bytes).first(static_cast<std::size_t>(got)));
}

bool has_archive_extension(std::string_view name) noexcept {
  return std::any_of(kExtensions.begin(), kExtensions.end(),
                     [&](std::string_view end) { return ends_with(name, end); });
}

}  // namespace photoscribe
