// archive_kind: which files are archives whose members are read in place: by their first bytes, and
// by their names where a folder is walked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace photoscribe {

enum class ArchiveKind : std::uint8_t {
  none,
  zip,         // has a directory: any member by itself
  tar,         // any member by itself, once its offset is known
  packed_tar,  // compressed as a whole: only from the start (or no tar at all: reading it tells)
};

inline constexpr std::size_t kKindBytes = 512;  // of the file's start, to tell by
[[nodiscard]] ArchiveKind archive_kind(std::span<const std::uint8_t> first_bytes) noexcept;
/// The same of an open file; none, too, when it cannot be read.
[[nodiscard]] ArchiveKind archive_kind_of(int file) noexcept;

/// True for names that end as archives' do: .tar, .zip, .tgz, .tar.zst …, in any case.
[[nodiscard]] bool has_archive_extension(std::string_view name) noexcept;

}  // namespace photoscribe
