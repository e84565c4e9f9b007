#include "common/redis/parser.h"

#include <hiredis/hiredis.h>

#include <new>
#include <string>

namespace photoscribe::redis {
namespace {
// hiredis gives an idle buffer above this back after each reply; ours are refilled at once.
constexpr std::size_t kIdleBufferBytes = 1 << 20;
}  // namespace

Parser::Parser() : reader_(redisReaderCreate()) {
  if (!reader_) throw std::bad_alloc();
  reader_->maxbuf = kIdleBufferBytes;
}

void Parser::Free::operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }

void Parser::feed(std::string_view bytes) {
  redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
}

Expected<std::optional<Reply>> Parser::next() {
  void* raw = nullptr;
  if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
    return fail(Errc::redis_unavailable,
                std::string("redis: answer is not RESP: ") + reader_->errstr);
  }
  if (!raw) return std::optional<Reply>();
  return std::optional<Reply>(Reply(static_cast<redisReply*>(raw)));
}

}  // namespace photoscribe::redis
