// container: where a photo's file keeps what people write about it, and how that is replaced
// without a change to any other byte: JPEG, PNG, WebP and TIFF.
//
// Nothing is decoded and nothing is written here: a change is a list of ranges (edit.h). A library
// that parses all of a file's metadata and writes it anew does not keep what it does not know
// (ops/adr/0011). Bytes are foreign: everything is checked against the file's size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/metadata/byte_source.h"
#include "common/metadata/edit.h"

namespace photoscribe::metadata {

enum class Container : std::uint8_t { jpeg, png, webp, tiff, other };

/// A piece of the file with all that frames it: a segment, a chunk, a tag's value.
struct Piece {
  std::uint64_t offset = 0, size = 0;  // with its frame
  std::string bytes;                   // without it
};

struct FileMetadata {
  Container container = Container::other;
  std::optional<Piece> xmp;   // the packet
  std::optional<Piece> iptc;  // JPEG: the whole of Photoshop's resources (iptc.h)
  /// EXIF's ImageDescription, and PNG's text "Description": people's words, or a camera's.
  std::vector<std::string> descriptions;

  // Where edits go.
  std::uint64_t insert_at = 0;  // a new XMP piece; TIFF: the file's end
  bool little = false;          // TIFF
  std::uint64_t ifd_at = 0;     // TIFF: its first directory
  bool simple_webp = false;     // without the header that says what is in the file
};

/// Fails with bad_payload, whose message is the whole reason ("damaged: …", "two XMP packets"); a
/// container that is not known here is `other`, and no error.
[[nodiscard]] Expected<FileMetadata> read_metadata(ByteSource& file);

/// With `packet` in place of the file's XMP, or as its first one. Fails with bad_payload: the whole
/// reason.
[[nodiscard]] Expected<Edits> with_xmp(ByteSource& file, const FileMetadata& now,
                                       const std::string& packet);

/// With these Photoshop resources, which hold IPTC. JPEG only. Fails with bad_payload.
[[nodiscard]] Expected<Edits> with_resources(const FileMetadata& now, const std::string& resources);

// --- by container: container.cpp chooses ---

namespace jpeg {
[[nodiscard]] Expected<FileMetadata> read(ByteSource& file);
[[nodiscard]] Expected<Edits> with_xmp(const FileMetadata& now, const std::string& packet);
}  // namespace jpeg
namespace png {
[[nodiscard]] Expected<FileMetadata> read(ByteSource& file);
[[nodiscard]] Expected<Edits> with_xmp(const FileMetadata& now, const std::string& packet);
}  // namespace png
namespace webp {
[[nodiscard]] Expected<FileMetadata> read(ByteSource& file);
[[nodiscard]] Expected<Edits> with_xmp(ByteSource& file, const FileMetadata& now,
                                       const std::string& packet);
}  // namespace webp
namespace tiff {
[[nodiscard]] Expected<FileMetadata> read(ByteSource& file);
[[nodiscard]] Expected<Edits> with_xmp(ByteSource& file, const FileMetadata& now,
                                       const std::string& packet);
/// ImageDescription of the first directory of a TIFF that stands alone or in another container;
/// empty where there is none, or no TIFF.
[[nodiscard]] std::string description_in(ByteSource& tiff);
}  // namespace tiff

/// The text of an EXIF description without its NUL and blanks; empty for what cameras put there by
/// themselves ("OLYMPUS DIGITAL CAMERA").
[[nodiscard]] std::string human_description(std::string_view text);

[[nodiscard]] inline tl::unexpected<Error> damaged(const std::string& what) {
  return fail(Errc::bad_payload, "damaged: " + what);
}

}  // namespace photoscribe::metadata
