// pickle_text: decodes text in pickles of protocol 0. Private to models/train.
#pragma once

#include <string>
#include <string_view>

namespace photoscribe {

/// The bytes of a Python literal with its quotes ('it\'s \x41'). Throws std::runtime_error when it
/// is not one.
[[nodiscard]] std::string text_of_literal(std::string_view literal);

/// Python's raw-unicode-escape (Latin-1 with \uXXXX and \UXXXXXXXX) as UTF-8. What is not a code
/// point becomes U+FFFD.
[[nodiscard]] std::string text_of_escapes(std::string_view escaped);

/// Latin-1 as UTF-8.
[[nodiscard]] std::string utf8_of_latin1(std::string_view text);

}  // namespace photoscribe
