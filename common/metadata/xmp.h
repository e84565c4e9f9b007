// xmp: a caption put into an XMP packet (ISO 16684-1), in which everything that others wrote stays
// byte for byte.
//
// The packet is read by expat for where its properties stand; what is written is one block of our
// own before the end of its RDF. A copy of the caption stands beside it (photoscribe:Caption): by
// it the next export knows its own words from a person's. Packets are foreign: a document type is
// refused, and so is what is no UTF-8.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/core/error.h"

namespace photoscribe::metadata {

/// The namespace of photoscribe's own fields.
inline constexpr const char* kNamespace = "urn:photoscribe:xmp:1.0/";

/// What is written of a photo.
struct CaptionFields {
  std::string caption;
  std::string photo;       // its file's name: two photos could share IMG_1.xmp
  std::string model;       // the model's name and the beginning of its hash; empty: not written
  std::string confidence;  // "0.8342"; empty: unknown
  bool edited = false;     // a person wrote or approved it
};

enum class Fate : std::uint8_t {
  written,  // is ours now, or was already
  kept,     // somebody else's text
};

struct MergedXmp {
  std::string packet;  // as it was, when nothing is changed
  bool changed = false;
  Fate description = Fate::written, alt_text = Fate::written;
};

struct MergeRules {
  bool overwrite = false;            // people's text, too
  bool described_elsewhere = false;  // the photo has people's words in EXIF, IPTC, or its own XMP
  bool alt_text_elsewhere = false;
  bool only_of_photo = false;  // a sidecar that says it is another photo's is refused
};

/// `packet` empty: a new one. When neither field may be written nothing is. Fails with bad_payload:
/// the whole reason ("its XMP is not well-formed: …").
[[nodiscard]] Expected<MergedXmp> merge_caption(std::string_view packet,
                                                const CaptionFields& fields,
                                                const MergeRules& rules);

/// What a packet says already.
struct XmpTexts {
  std::string description, alt_text;        // x-default, else the first; empty: none
  std::map<std::string, std::string> ours;  // photoscribe:Name → value
  /// People's words: there is text, and it is not the copy that we left.
  [[nodiscard]] bool described_by_others() const;
  [[nodiscard]] bool alt_text_by_others() const;
};
[[nodiscard]] Expected<XmpTexts> read_xmp(std::string_view packet);

}  // namespace photoscribe::metadata
