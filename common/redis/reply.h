// reply: one answer of a Redis server, owned, and a view to walk it.
//
// Nothing here throws and nothing is undefined: asking an array for an integer gives 0, an index
// past the end gives nil. So a parser of replies checks the shape once, at the end. hiredis stays
// inside common/redis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

struct redisReply;  // hiredis's, only named here

namespace photoscribe::redis {

/// Part of a reply; valid as long as the Reply it came from.
class ReplyView {
 public:
  ReplyView() = default;  // nil
  explicit ReplyView(const redisReply* raw) noexcept : raw_(raw) {}

  [[nodiscard]] bool is_nil() const noexcept;
  [[nodiscard]] bool is_error() const noexcept;
  [[nodiscard]] bool is_integer() const noexcept;
  [[nodiscard]] bool is_array() const noexcept;
  /// A string or a status line such as OK.
  [[nodiscard]] bool is_text() const noexcept;

  /// Bytes of a string, status or error; empty for anything else.
  [[nodiscard]] std::string_view text() const noexcept;
  /// An integer reply, or a string that is a decimal number of 64 bits; else 0.
  [[nodiscard]] std::int64_t integer() const noexcept { return number().value_or(0); }
  /// The same, saying whether there was one.
  [[nodiscard]] std::optional<std::int64_t> number() const noexcept;

  /// Elements of an array; 0 for anything else.
  [[nodiscard]] std::size_t size() const noexcept;
  /// Nil when there is no such element.
  [[nodiscard]] ReplyView operator[](std::size_t index) const noexcept;

 private:
  const redisReply* raw_ = nullptr;
};

/// Owns a whole reply. Movable, not copyable; a moved-from Reply is nil.
class Reply {
 public:
  Reply() = default;
  explicit Reply(redisReply* raw) noexcept : raw_(raw) {}

  [[nodiscard]] ReplyView view() const noexcept { return ReplyView(raw_.get()); }
  operator ReplyView() const noexcept { return view(); }  // NOLINT: a Reply is read as a view
  [[nodiscard]] bool is_nil() const noexcept { return view().is_nil(); }
  [[nodiscard]] bool is_error() const noexcept { return view().is_error(); }
  [[nodiscard]] std::string_view text() const noexcept { return view().text(); }
  [[nodiscard]] std::int64_t integer() const noexcept { return view().integer(); }
  [[nodiscard]] std::size_t size() const noexcept { return view().size(); }
  [[nodiscard]] ReplyView operator[](std::size_t index) const noexcept { return view()[index]; }

 private:
  struct Free {
    void operator()(redisReply* raw) const noexcept;
  };
  std::unique_ptr<redisReply, Free> raw_;
};

}  // namespace photoscribe::redis
