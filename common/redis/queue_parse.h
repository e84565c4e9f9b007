// queue_parse: key names, and replies turned into the queue's types. Private to common/redis.
//
// Pure. What does not have the expected shape is reported, never believed: another program, or an
// attacker, can write to these streams.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/redis/queue_types.h"

namespace photoscribe::redis {

inline constexpr std::string_view kGroup = "workers";
inline constexpr std::string_view kRunsKey = "photoscribe:runs";
/// Ids per XACK, XDEL or script call, so that no command blocks the server for long.
inline constexpr std::size_t kIdsMax = 1'000;

struct Keys {
  explicit Keys(std::string_view incarnation);
  std::string tasks, results, spec, state, workers, seen, seen_before;
};

/// The words of EVAL after the script: number of keys and the keys; ARGV follow.
[[nodiscard]] Command script_arguments(std::initializer_list<std::string_view> keys);
/// A counter as the scripts compare it: '' for none.
[[nodiscard]] std::string counter_text(std::optional<std::int64_t> counter);

/// Seconds of kRunExpiry.
[[nodiscard]] std::int64_t expiry_s();

[[nodiscard]] std::string to_line(const RunListing& run);
[[nodiscard]] std::optional<RunListing> parse_listing(std::string_view incarnation,
                                                      std::string_view line);

/// `fields` of an entry; nothing when it is not a task.
[[nodiscard]] std::optional<Task> parse_task(ReplyView fields);
/// Field `m` of a task, `BYTES:OFFSET` (ArchiveMember); empty without one.
[[nodiscard]] std::string member_field(const Task& task);

/// Entries of a reply of XRANGE or of one stream of XREADGROUP, each delivered once under its
/// entry. `malformed` gets the ids of those that are no tasks.
[[nodiscard]] std::vector<Delivery> parse_deliveries(ReplyView entries,
                                                     std::vector<EntryId>& malformed);

/// Rows of XPENDING's range form.
[[nodiscard]] std::vector<Pending> parse_pending(ReplyView rows);

/// A value of `seen`: one done or blurred result. None of anything else.
[[nodiscard]] std::optional<Result> parse_seen(std::string_view packed);

[[nodiscard]] ResultEntry parse_result(EntryId id, ReplyView fields);

/// A reply that has another shape than this program expects of any server.
[[nodiscard]] tl::unexpected<Error> odd_reply(std::string_view operation);

/// `ids` in pieces of at most kIdsMax, each ascending.
[[nodiscard]] std::vector<std::vector<EntryId>> in_pieces(std::vector<EntryId> ids);

}  // namespace photoscribe::redis
