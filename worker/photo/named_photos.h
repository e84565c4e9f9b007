// named_photos: photos that a person names on a command line: files anywhere, and members of
// archives as `photos.tar!2019/a.jpg`, the way exports show them. A real file of such a name comes
// first. Members are looked for by name: each archive is listed once.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "common/archive/archive_failure.h"
#include "worker/photo/open_beneath.h"

namespace photoscribe {

class PhotosByName {
 public:
  /// Fails with environment when nothing at all can be opened here.
  [[nodiscard]] static Expected<PhotosByName> open();

  /// Reasons: those of FileBuffer::read(). The bytes are valid until the next call.
  [[nodiscard]] Opened<std::span<const std::uint8_t>> read(const std::string& file,
                                                           std::int64_t bytes_max);

 private:
  explicit PhotosByName(PhotoRoot everything) : everything_(std::move(everything)) {}
  using Offsets = std::map<std::string, std::int64_t, std::less<>>;
  [[nodiscard]] FromArchive<const Offsets*> members_of(const std::string& archive);

  PhotoRoot everything_;
  FileBuffer buffer_;
  std::string listed_;  // the archive whose members these are
  Offsets offsets_;
};

}  // namespace photoscribe
