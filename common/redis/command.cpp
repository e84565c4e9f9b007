#include "common/redis/command.h"

#include <array>
#include <charconv>

namespace photoscribe::redis {
namespace {

template <class N>
std::string_view digits(N number, std::array<char, 48>& buffer) {
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

void add_header(std::string& out, char kind, std::size_t count) {
  std::array<char, 48> buffer;
  out += kind;
  out += digits(count, buffer);
  out += "\r\n";
}

}  // namespace

Command& Command::operator<<(std::string_view bytes) {
  add_header(body_, '$', bytes.size());
  body_ += bytes;
  body_ += "\r\n";
  ++words_;
  return *this;
}

Command& Command::operator<<(EntryId id) {
  std::array<char, 48> buffer;
  char* middle = std::to_chars(buffer.data(), buffer.data() + 24, id.ms).ptr;
  *middle++ = '-';
  const char* end = std::to_chars(middle, buffer.data() + buffer.size(), id.seq).ptr;
  return *this << std::string_view(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
}

Command& Command::operator<<(const std::vector<EntryId>& ids) {
  body_.reserve(body_.size() + ids.size() * 24);
  for (const EntryId id : ids) *this << id;
  return *this;
}

Command& Command::append(const Command& words) {
  body_ += words.body_;
  words_ += words.words_;
  return *this;
}

Command& Command::add_signed(std::int64_t number) {
  std::array<char, 48> buffer;
  return *this << digits(number, buffer);
}

Command& Command::add_unsigned(std::uint64_t number) {
  std::array<char, 48> buffer;
  return *this << digits(number, buffer);
}

void Command::write_to(std::string& out) const {
  out.reserve(out.size() + body_.size() + 16);
  add_header(out, '*', words_);
  out += body_;
}

std::string_view Command::name() const noexcept {
  const std::string_view body = body_;
  const auto start = body.find('\n');
  if (start == std::string_view::npos) return {};
  return body.substr(start + 1, body.find('\r', start) - start - 1);
}

}  // namespace photoscribe::redis
