// What a Redis server sends: replies, and in them tasks, pending rows, runs and results. The first
// byte says where the stream is cut in two.
#include "common/redis/parser.h"
#include "common/redis/queue_parse.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  if (size == 0) return 0;
  const std::string_view bytes = fuzz::text_of(data + 1, size - 1);
  const std::size_t cut = data[0] < bytes.size() ? data[0] : bytes.size();
  redis::Parser parser;
  parser.feed(bytes.substr(0, cut));
  bool fed = false;
  while (true) {
    const auto reply = parser.next();
    if (!reply) return 0;
    if (!*reply) {
      if (fed) return 0;
      fed = true;
      parser.feed(bytes.substr(cut));
      continue;
    }
    std::vector<redis::EntryId> malformed;
    static_cast<void>(redis::parse_deliveries(**reply, malformed));
    static_cast<void>(redis::parse_pending(**reply));
    static_cast<void>(redis::parse_task(**reply));
    static_cast<void>(redis::parse_result({}, **reply));
    static_cast<void>(redis::parse_listing("a88bf16005d89899db15b0d286f9b468", (*reply)->text()));
  }
}
