// html: what the HTML pages of photoscribe have in common: one head, one style sheet, and text that
// cannot break out of its place.
//
// A page is one file that needs nothing else: its head forbids every request.
#pragma once

#include <string>
#include <string_view>

#include "common/text/escape.h"

namespace photoscribe::page {

/// Text as it may stand in HTML, between tags or in a quoted attribute. Bytes that are not UTF-8
/// become U+FFFD.
[[nodiscard]] inline std::string html(std::string_view text) { return html_escaped(text); }

/// JSON that may stand inside a script element.
[[nodiscard]] std::string script_safe(std::string_view json);

/// From the document's first byte to the opened body: title, style sheet, and a policy by which
/// nothing is loaded from anywhere.
[[nodiscard]] std::string page_head(std::string_view title);

}  // namespace photoscribe::page
