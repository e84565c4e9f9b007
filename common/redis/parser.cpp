#include "common/redis/parser.h"

#include <hiredis/hiredis.h>

#include <new>
#include <string>

namespace photoscribe::redis {
namespace {
// hiredis gives an idle buffer above this back after each reply; ours are refilled at once.
constexpr std::size_t kIdleBufferBytes = 1 << 20;

/// hiredis allocates an array before its first element has come, as long as the server says.
constexpr std::size_t kElementsMax = 1 << 22;

template <class Function>
struct Bounded;
template <class Task, class Count>  // int in hiredis 0.14, size_t in 1.0
struct Bounded<void* (*)(const Task*, Count)> {
  static void* create(const Task* task, Count elements) {
    if (static_cast<std::size_t>(elements) > kElementsMax) return nullptr;  // "out of memory"
    return functions().createArray(task, elements);
  }
  static const redisReplyObjectFunctions& functions() {
    static const redisReplyObjectFunctions own = [] {
      redisReader* reader = redisReaderCreate();
      if (reader == nullptr) throw std::bad_alloc();
      const redisReplyObjectFunctions copy = *reader->fn;
      redisReaderFree(reader);
      return copy;
    }();
    return own;
  }
};

redisReplyObjectFunctions* bounded_functions() {
  using Arrays = Bounded<decltype(redisReplyObjectFunctions::createArray)>;
  static redisReplyObjectFunctions bounded = [] {
    redisReplyObjectFunctions copy = Arrays::functions();
    copy.createArray = Arrays::create;
    return copy;
  }();
  return &bounded;
}

}  // namespace

Parser::Parser() : reader_(redisReaderCreate()) {
  if (!reader_) throw std::bad_alloc();
  reader_->maxbuf = kIdleBufferBytes;
  reader_->fn = bounded_functions();
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
