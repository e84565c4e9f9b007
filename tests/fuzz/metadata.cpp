// Photos and sidecars that words are written into: containers, XMP, IPTC.
#include "common/metadata/container.h"
#include "common/metadata/iptc.h"
#include "common/metadata/xmp.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace photoscribe::metadata;

/// A merged packet holds the caption, and a second merge finds nothing to do.
void try_packet(std::string_view packet, bool overwrite) {
  const CaptionFields fields{"a dog & a <ball>", "IMG_1.jpg", "fast", "0.5", false};
  const MergeRules rules{overwrite, false, false, false};
  const auto merged = merge_caption(packet, fields, rules);
  if (!merged || !merged->changed) return;
  const auto texts = read_xmp(merged->packet);
  photoscribe::fuzz::require(texts.has_value());
  const auto again = merge_caption(merged->packet, fields, rules);
  photoscribe::fuzz::require(again && !again->changed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = photoscribe::fuzz::text_of(data, size);
  try_packet(bytes, false);
  try_packet(bytes, true);
  if (const auto merged = merge_iptc(bytes, "a dog", {true, false, false, false})) {
    photoscribe::fuzz::require(read_iptc(merged->resources).caption == "a dog");
  }
  TextBytes file(bytes);
  const auto found = read_metadata(file);
  if (!found) return 0;
  const auto edits = with_xmp(file, *found, "<a>words</a>");
  if (!edits) return 0;
  const std::string after = edited(bytes, *edits);
  TextBytes written(after);
  const auto read = read_metadata(written);
  photoscribe::fuzz::require(read && read->xmp && read->xmp->bytes.starts_with("<a>words</a>"));
  return 0;
}
