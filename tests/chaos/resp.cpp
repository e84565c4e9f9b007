#include "tests/chaos/resp.h"

#include <charconv>
#include <stdexcept>

namespace photoscribe::test {
namespace {

struct Line {
  long long number = 0;
  std::size_t end = 0;
};

/// The number of a header line such as "$12\r\n", and where the line ends.
std::optional<Line> header(std::string_view bytes, std::size_t from) {
  const auto end = bytes.find("\r\n", from);
  if (end == std::string_view::npos) return std::nullopt;
  Line line;
  line.end = end + 2;
  std::from_chars(bytes.data() + from + 1, bytes.data() + end, line.number);
  return line;
}

}  // namespace

std::optional<std::size_t> message_end(std::string_view bytes, std::size_t from) {
  if (from >= bytes.size()) return std::nullopt;
  const auto line = header(bytes, from);
  if (!line) return std::nullopt;
  switch (bytes[from]) {
    case '+':
    case '-':
    case ':':
      return line->end;
    case '$': {
      if (line->number < 0) return line->end;
      const std::size_t end = line->end + static_cast<std::size_t>(line->number) + 2;
      return end <= bytes.size() ? std::optional(end) : std::nullopt;
    }
    case '*': {
      std::size_t at = line->end;
      for (long long i = 0; i < line->number; ++i) {
        const auto next = message_end(bytes, at);
        if (!next) return std::nullopt;
        at = *next;
      }
      return at;
    }
    default:
      throw std::runtime_error("not RESP2: " + std::string(bytes.substr(from, 40)));
  }
}

std::vector<std::string> words_of(std::string_view command) {
  std::vector<std::string> words;
  const auto count = header(command, 0);
  std::size_t at = count ? count->end : command.size();
  while (at < command.size()) {
    const auto size = header(command, at);
    if (!size || command[at] != '$') break;
    words.emplace_back(command.substr(size->end, static_cast<std::size_t>(size->number)));
    at = size->end + static_cast<std::size_t>(size->number) + 2;
  }
  return words;
}

bool is_empty_reply(std::string_view reply) {
  return reply.starts_with("*-1") || reply.starts_with("$-1") || reply.starts_with("*0") ||
         reply.starts_with("$0");
}

}  // namespace photoscribe::test
