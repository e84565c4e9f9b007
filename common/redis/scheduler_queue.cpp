#include "common/redis/scheduler_queue.h"

#include <algorithm>
#include <cassert>

#include "common/redis/queue_parse.h"
#include "common/redis/scripts.h"

namespace photoscribe::redis {
namespace {

/// A reply with a whole window takes a while to make and to carry.
constexpr milliseconds kSnapshotTimeout{60'000};
/// More rows than any window has.
constexpr int kAllPending = 100'000'000;

std::optional<std::uint64_t> parse_fence(std::string_view text) {
  if (text.empty() || text.size() > 20) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

/// The group's last-delivered id in a reply of XINFO GROUPS.
std::optional<EntryId> last_delivered(ReplyView groups) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    bool ours = false;
    std::optional<EntryId> last;
    for (std::size_t k = 0; k + 1 < groups[i].size(); k += 2) {
      const std::string_view name = groups[i][k].text();
      if (name == "name") ours = groups[i][k + 1].text() == kGroup;
      if (name == "last-delivered-id") last = parse_entry_id(groups[i][k + 1].text());
    }
    if (ours) return last;
  }
  return std::nullopt;
}

/// Joins stream and pending list, both in order of id.
void sort_out(ReplyView entries, const std::vector<Pending>& pending, EntryId delivered,
              Snapshot& snapshot) {
  auto next = pending.begin();
  const auto skip_to = [&](EntryId id) {
    for (; next != pending.end() && next->id < id; ++next) snapshot.dangling.push_back(next->id);
  };
  snapshot.window.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const ReplyView entry = entries[i];
    const auto id = parse_entry_id(entry[0].text());
    if (!id) continue;
    skip_to(*id);
    const bool held = next != pending.end() && next->id == *id;
    const int charged = held ? (next++)->deliveries : 0;
    const std::optional<Task> task = parse_task(entry[1]);
    if (!task || (!held && *id <= delivered)) {
      snapshot.ghosts.push_back(*id);
      continue;
    }
    WindowEntry row;
    row.id = *id;
    row.image_id = task->image_id;
    row.attempt = task->attempt;
    row.deliveries = task->deliveries + charged;
    row.pending = held;
    snapshot.window.push_back(row);
  }
  for (; next != pending.end(); ++next) snapshot.dangling.push_back(next->id);
}

void add_expiry(std::vector<Command>& commands, std::string_view key) {
  commands.emplace_back("EXPIRE") << key << expiry_s();
}

}  // namespace

Awaitable<void> SchedulerQueue::make_run(RunListing run, RunSpec spec, std::uint64_t fence) {
  const Keys keys(run.incarnation);
  std::vector<Command> commands;
  commands.emplace_back(Command{"XGROUP", "CREATE", keys.tasks, kGroup, "0", "MKSTREAM"});
  // Results have no group (H3); a group that comes and goes leaves the empty stream behind.
  commands.emplace_back(Command{"XGROUP", "CREATE", keys.results, "none", "0", "MKSTREAM"});
  commands.emplace_back(Command{"XGROUP", "DESTROY", keys.results, "none"});
  commands.emplace_back("SET") << keys.spec << to_json(spec) << "EX" << expiry_s();
  commands.emplace_back("HSET") << keys.state << "fence" << fence;
  commands.emplace_back("HSET") << kRunsKey << run.incarnation << to_line(run);
  add_expiry(commands, keys.tasks);
  add_expiry(commands, keys.results);
  add_expiry(commands, keys.state);
  add_expiry(commands, kRunsKey);
  Expected<Reply> reply = co_await connection_.transaction(
      std::move(commands), connection_.command_timeout(), "BUSYGROUP");
  if (!reply) co_return fail(reply.error());
  co_return Status();
}

Awaitable<Presence> SchedulerQueue::presence(std::string incarnation) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({keys.spec, keys.tasks, keys.results, keys.state, kRunsKey,
                                        keys.workers, keys.seen, keys.seen_before});
  arguments << kGroup << incarnation;
  Expected<Reply> reply = co_await connection_.eval(scripts::kPresence, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  if (reply->size() != 6) co_return odd_reply("presence");
  Presence presence;
  presence.spec = (*reply)[0].integer() == 1;
  presence.tasks = (*reply)[1].integer() == 1;
  presence.group = (*reply)[2].integer() == 1;
  presence.results = (*reply)[3].integer() == 1;
  presence.registered = (*reply)[4].integer() == 1;
  presence.fence = parse_fence((*reply)[5].text());
  co_return presence;
}

Awaitable<void> SchedulerQueue::register_run(RunListing run) {
  const Keys keys(run.incarnation);
  Command arguments = script_arguments({keys.spec, kRunsKey});
  arguments << run.incarnation << to_line(run) << expiry_s();
  Expected<Reply> reply = co_await connection_.eval(scripts::kRegister, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  co_return Status();
}

Awaitable<EnqueueOutcome> SchedulerQueue::enqueue(std::string incarnation, std::uint64_t fence,
                                                  std::vector<Task> tasks) {
  const Keys keys(incarnation);
  for (std::size_t at = 0; at < tasks.size(); at += kEnqueueMax) {
    const std::size_t end = std::min(tasks.size(), at + kEnqueueMax);
    Command arguments = script_arguments({keys.spec, keys.state, keys.tasks});
    arguments.reserve((end - at) * 128);
    arguments << fence;
    for (std::size_t i = at; i < end; ++i) {
      const Task& task = tasks[i];
      arguments << task.image_id << task.attempt << task.root << task.path << task.deliveries
                << member_field(task);
    }
    Expected<Reply> reply = co_await connection_.eval(scripts::kEnqueue, std::move(arguments),
                                                      connection_.command_timeout());
    if (!reply) co_return fail(reply.error());
    if (reply->integer() < 0) co_return EnqueueOutcome::fenced_off;
  }
  co_return EnqueueOutcome::all;
}

Awaitable<Snapshot> SchedulerQueue::snapshot(std::string incarnation,
                                             std::optional<std::uint64_t> new_fence) {
  const Keys keys(incarnation);
  std::vector<Command> commands;
  if (new_fence) {  // EVAL, not EVALSHA: inside MULTI there is no second try
    commands.emplace_back("EVAL") << scripts::kFence.source << 2 << keys.spec << keys.state
                                  << *new_fence << expiry_s();
  } else {
    commands.emplace_back("HGET") << keys.state << "fence";
  }
  commands.emplace_back("XPENDING") << keys.tasks << kGroup << "-"
                                    << "+" << kAllPending;
  commands.emplace_back("XINFO") << "GROUPS" << keys.tasks;
  commands.emplace_back("XRANGE") << keys.tasks << "-"
                                  << "+";
  commands.emplace_back("HEXISTS") << kRunsKey << incarnation;
  const milliseconds timeout = std::max(kSnapshotTimeout, connection_.command_timeout());
  Expected<Reply> reply = co_await connection_.transaction(std::move(commands), timeout);
  if (!reply) co_return fail(reply.error());
  const std::optional<EntryId> delivered = last_delivered((*reply)[2]);
  if (reply->size() != 5 || !delivered) co_return odd_reply("snapshot");
  Snapshot snapshot;
  snapshot.previous_fence = parse_fence((*reply)[0].text());
  snapshot.registered = (*reply)[4].integer() == 1;
  const std::vector<Pending> pending = parse_pending((*reply)[1]);
  sort_out((*reply)[3], pending, *delivered, snapshot);
  co_return snapshot;
}

Awaitable<std::vector<ResultEntry>> SchedulerQueue::read_results(std::string incarnation, int count,
                                                                 EntryId after,
                                                                 milliseconds block) {
  const Keys keys(incarnation);
  Command command{"XREAD", "COUNT"};
  command << count;
  milliseconds timeout = connection_.command_timeout();
  if (block > milliseconds(0)) {
    command << "BLOCK" << block.count();
    timeout += block;
  }
  command << "STREAMS" << keys.results << after;
  Expected<Reply> reply = co_await connection_.call(std::move(command), timeout);
  if (!reply) co_return fail(reply.error());
  const ReplyView entries = (*reply)[0][1];
  std::vector<ResultEntry> list;
  list.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto id = parse_entry_id(entries[i][0].text());
    if (!id) co_return odd_reply("read results");
    list.push_back(parse_result(*id, entries[i][1]));
  }
  co_return list;
}

Awaitable<std::optional<EntryId>> SchedulerQueue::last_result(std::string incarnation) {
  const Keys keys(incarnation);
  Command command{"XREVRANGE", keys.results, "+", "-", "COUNT", "1"};
  Expected<Reply> reply = co_await connection_.call(std::move(command));
  if (!reply) co_return fail(reply.error());
  co_return parse_entry_id((*reply)[0][0].text());
}

Awaitable<void> SchedulerQueue::delete_results(std::string incarnation, std::vector<EntryId> ids) {
  const Keys keys(incarnation);
  for (const std::vector<EntryId>& piece : in_pieces(std::move(ids))) {
    Command command{"XDEL", keys.results};
    command << piece;
    Expected<Reply> reply = co_await connection_.call(std::move(command));
    if (!reply) co_return fail(reply.error());
  }
  co_return Status();
}

Awaitable<Withdrawn> SchedulerQueue::withdraw(std::string incarnation, std::uint64_t fence,
                                              int count) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({keys.spec, keys.state, keys.tasks, keys.workers});
  arguments << fence << kGroup << count;
  Expected<Reply> reply = co_await connection_.eval(scripts::kWithdraw, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  if (reply->size() % 3 != 1) co_return odd_reply("withdraw");
  Withdrawn out;
  out.fenced_off = (*reply)[0].integer() < 0;
  out.tasks = std::max(0, static_cast<int>((*reply)[0].integer()));
  for (std::size_t i = 1; i + 2 < reply->size(); i += 3) {
    const auto image = (*reply)[i].number();
    const auto attempt = (*reply)[i + 1].number();
    const auto charged = (*reply)[i + 2].number();
    if (!image || !attempt || !charged) continue;  // no task of ours
    out.charged.push_back(
        {*image, static_cast<std::int32_t>(*attempt), static_cast<int>(*charged)});
  }
  co_return out;
}

Awaitable<Look> SchedulerQueue::look(std::string incarnation) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({kRunsKey, keys.spec, keys.tasks, keys.results, keys.state,
                                        keys.workers, keys.seen, keys.seen_before});
  arguments << kGroup << incarnation << expiry_s();
  Expected<Reply> reply = co_await connection_.eval(scripts::kLook, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  const auto last = parse_entry_id((*reply)[1].text());
  const auto delivered = parse_entry_id((*reply)[2].text());
  if (reply->size() != 8 || !delivered) co_return odd_reply("look");
  Look look;
  look.registered = (*reply)[0].integer() == 1;
  look.undelivered = last && *last > *delivered;
  look.pending = (*reply)[3].integer();
  look.tasks_length = (*reply)[4].integer();
  look.results_length = (*reply)[5].integer();
  if (const auto first = parse_entry_id((*reply)[6].text())) {
    const std::int64_t age = (*reply)[7].integer() - static_cast<std::int64_t>(first->ms);
    look.oldest_age = milliseconds(std::max<std::int64_t>(0, age));
  }
  co_return look;
}

Awaitable<void> SchedulerQueue::note_seen(std::string incarnation, std::vector<Result> results,
                                          std::int64_t generation_max) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({keys.spec, keys.seen, keys.seen_before});
  arguments << generation_max << expiry_s();
  for (Result& result : results) {
    if (!result.content_hash) continue;
    arguments << bytes_of(*result.content_hash);
    ResultBatch alone;
    result.content_hash.reset();
    alone.results.push_back(std::move(result));
    arguments << encode_results(alone);
  }
  Expected<Reply> reply = co_await connection_.eval(scripts::kNoteSeen, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  co_return Status();
}

Awaitable<void> SchedulerQueue::forget_seen(std::string incarnation) {
  const Keys keys(incarnation);
  Command command{"UNLINK", keys.seen, keys.seen_before};
  Expected<Reply> reply = co_await connection_.call(std::move(command));
  if (!reply) co_return fail(reply.error());
  co_return Status();
}

Awaitable<bool> SchedulerQueue::remove_dead_consumer(std::string incarnation, Judged holder) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({keys.tasks, keys.workers});
  arguments << kGroup << holder.name << 1 << counter_text(holder.counter);
  Expected<Reply> reply = co_await connection_.eval(scripts::kRemoveConsumer, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  co_return reply->integer() == 1;
}

Awaitable<void> SchedulerQueue::delete_runs(std::vector<std::string> incarnations) {
  if (incarnations.empty()) co_return Status();
  std::vector<Command> commands;
  for (const std::string& incarnation : incarnations) {
    const Keys keys(incarnation);
    commands.emplace_back(Command{"UNLINK", keys.tasks, keys.results, keys.spec, keys.state,
                                  keys.workers, keys.seen, keys.seen_before});
    commands.emplace_back(Command{"HDEL", kRunsKey, incarnation});
  }
  // No MULTI: without memory Redis queues no command in one, not even those that free some.
  const Expected<std::vector<Reply>> replies = co_await connection_.call_many(std::move(commands));
  if (!replies) co_return fail(replies.error());
  for (const Reply& reply : *replies) {
    if (Status good = check(reply, "delete runs"); !good) co_return good;
  }
  co_return Status();
}

Awaitable<Reclaimed> SchedulerQueue::condemn(std::string incarnation, EntryId id, Judged holder,
                                             int max_deliveries) {
  Expected<Reclaimed> reclaimed =
      co_await run_reclaim(incarnation, id, std::move(holder), max_deliveries, "", 0);
  co_return reclaimed;
}

}  // namespace photoscribe::redis
