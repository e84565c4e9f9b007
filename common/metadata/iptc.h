// iptc: a caption put into IPTC-IIM (version 4.2) inside Photoshop's image resources, in which
// everything that others wrote stays byte for byte.
//
// Caption-Abstract (2:120) is the text; Writer/Editor (2:122), the name of who wrote it, is
// "photoscribe" and a hash of the text, by which the next export knows its own words. The text is
// UTF-8, which CodedCharacterSet (1:90) says.
#pragma once

#include <string>
#include <string_view>

#include "common/core/error.h"
#include "common/metadata/xmp.h"

namespace photoscribe::metadata {

inline constexpr std::size_t kIptcCaptionMax = 2000;  // bytes

struct MergedIptc {
  std::string resources;
  bool changed = false;
  Fate caption = Fate::written;
};

/// `resources` empty: new ones. Fails with bad_payload: the whole reason.
[[nodiscard]] Expected<MergedIptc> merge_iptc(std::string_view resources,
                                              const std::string& caption, const MergeRules& rules);

struct IptcText {
  std::string caption;  // empty: none
  bool ours = false;
};
/// What is damaged has no text.
[[nodiscard]] IptcText read_iptc(std::string_view resources);

}  // namespace photoscribe::metadata
