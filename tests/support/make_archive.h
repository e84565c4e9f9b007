// make_archive: archives as other programs write them, by libarchive's writer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace photoscribe::test {

struct MadeMember {
  std::string name;
  std::string bytes;
  enum class Kind : std::uint8_t { file, folder, link, hard_link, pipe, sparse } kind = Kind::file;
  std::string target = {};  // of links
  std::int64_t zeros = 0;   // after the bytes
};

enum class MadeAs : std::uint8_t {
  tar,  // GNU's, with pax headers for long names
  tar_gz,
  tar_bz2,
  tar_xz,
  tar_zst,
  zip_stored,
  zip_deflated,
  zip_encrypted
};
inline constexpr MadeAs kMadeAs[] = {MadeAs::tar,         MadeAs::tar_gz,  MadeAs::tar_bz2,
                                     MadeAs::tar_xz,      MadeAs::tar_zst, MadeAs::zip_stored,
                                     MadeAs::zip_deflated};

/// Throws when it cannot be written.
void make_archive(const std::string& path, MadeAs as, const std::vector<MadeMember>& members);

}  // namespace photoscribe::test
