// command: one Redis command, written in RESP as its arguments are added.
//
// Arguments are raw bytes of any kind (NUL, newline). Give a Command a name before it goes into a
// co_await (style.md 5).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "common/redis/entry_id.h"

namespace photoscribe::redis {

/// `Command xadd("XADD"); xadd << key << "*" << "i" << 7;`
class Command {
 public:
  Command() = default;
  explicit Command(std::string_view name) { *this << name; }
  Command(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) *this << word;
  }

  Command& operator<<(std::string_view bytes);
  Command& operator<<(EntryId id);
  template <std::integral N>
  Command& operator<<(N number) {
    if constexpr (std::signed_integral<N>) {
      return add_signed(number);
    } else {
      return add_unsigned(number);
    }
  }
  Command& operator<<(const std::vector<EntryId>& ids);

  /// Adds all words of another command.
  Command& append(const Command& words);

  /// Room for `bytes` of arguments in one go.
  void reserve(std::size_t bytes) { body_.reserve(bytes); }
  [[nodiscard]] std::size_t words() const noexcept { return words_; }
  /// Adds the command in RESP to `out`.
  void write_to(std::string& out) const;
  /// The first word, for messages.
  [[nodiscard]] std::string_view name() const noexcept;

 private:
  Command& add_signed(std::int64_t number);
  Command& add_unsigned(std::uint64_t number);
  std::string body_;
  std::size_t words_ = 0;
};

}  // namespace photoscribe::redis
