#include "common/redis/reply.h"

#include <hiredis/hiredis.h>

#include <charconv>

namespace photoscribe::redis {

bool ReplyView::is_nil() const noexcept { return !raw_ || raw_->type == REDIS_REPLY_NIL; }
bool ReplyView::is_error() const noexcept { return raw_ && raw_->type == REDIS_REPLY_ERROR; }
bool ReplyView::is_integer() const noexcept { return raw_ && raw_->type == REDIS_REPLY_INTEGER; }
bool ReplyView::is_array() const noexcept { return raw_ && raw_->type == REDIS_REPLY_ARRAY; }
bool ReplyView::is_text() const noexcept {
  return raw_ && (raw_->type == REDIS_REPLY_STRING || raw_->type == REDIS_REPLY_STATUS);
}

std::string_view ReplyView::text() const noexcept {
  if (!is_text() && !is_error()) return {};
  return {raw_->str, static_cast<std::size_t>(raw_->len)};
}

std::optional<std::int64_t> ReplyView::number() const noexcept {
  if (is_integer()) return raw_->integer;
  if (!is_text()) return std::nullopt;
  const std::string_view digits = text();
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::size_t ReplyView::size() const noexcept { return is_array() ? raw_->elements : 0; }

ReplyView ReplyView::operator[](std::size_t index) const noexcept {
  return index < size() ? ReplyView(raw_->element[index]) : ReplyView();
}

void Reply::Free::operator()(redisReply* raw) const noexcept { freeReplyObject(raw); }

}  // namespace photoscribe::redis
