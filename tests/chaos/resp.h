// resp: where a message of Redis' wire protocol (RESP2) ends, and what a command says.
//
// For a proxy that must pass bytes on unchanged and yet know which command they are. Not a parser
// of replies: the product has one, and a test that used it would not notice its faults.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace photoscribe::test {

/// One past the last byte of the message that begins at `from`; nothing while it is incomplete.
/// Throws std::runtime_error on bytes that are no RESP2.
std::optional<std::size_t> message_end(std::string_view bytes, std::size_t from = 0);

/// The words of a whole command (an array of bulk strings).
std::vector<std::string> words_of(std::string_view command);

/// True of a nil, an empty array and an empty string.
bool is_empty_reply(std::string_view reply);

}  // namespace photoscribe::test
