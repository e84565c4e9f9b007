// parser: bytes of a Redis server in, whole replies out; RESP2, by hiredis' reader. No I/O.
//
// After an error the stream is out of step: throw the parser and its connection away.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "common/core/error.h"
#include "common/redis/reply.h"

struct redisReader;  // hiredis's

namespace photoscribe::redis {

class Parser {
 public:
  Parser();
  /// Takes any piece of the stream, split anywhere.
  void feed(std::string_view bytes);
  /// The next whole reply; none when more bytes are needed; redis_unavailable when the bytes are
  /// not RESP, or an array of more than four million elements.
  [[nodiscard]] Expected<std::optional<Reply>> next();

 private:
  struct Free {
    void operator()(redisReader* reader) const noexcept;
  };
  std::unique_ptr<redisReader, Free> reader_;
};

}  // namespace photoscribe::redis
