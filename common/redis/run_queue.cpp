// Operations that workers and schedulers share.
#include "common/redis/run_queue.h"

#include <algorithm>
#include <tuple>

#include "common/redis/errors.h"
#include "common/redis/identity.h"
#include "common/redis/queue_parse.h"
#include "common/redis/scripts.h"

namespace photoscribe::redis {
namespace {

Expected<Reclaimed> parse_reclaimed(ReplyView reply, EntryId id) {
  const std::string_view word = reply[0].text();
  Reclaimed reclaimed;
  if (word == "gone") return reclaimed;
  if (word == "handed_back") reclaimed.verdict = ReclaimVerdict::handed_back;
  if (word == "condemned") reclaimed.verdict = ReclaimVerdict::condemned;
  if (word == "kept") reclaimed.verdict = ReclaimVerdict::kept;
  if (word == "claimed") {
    std::optional<Task> task = parse_task(reply[2]);
    if (!task) return odd_reply("reclaim");
    Delivery delivery;
    delivery.id = id;
    delivery.task = std::move(*task);
    delivery.deliveries = static_cast<int>(reply[1].integer());
    reclaimed.verdict = ReclaimVerdict::claimed;
    reclaimed.delivery = std::move(delivery);
  }
  if (reclaimed.verdict == ReclaimVerdict::gone) return odd_reply("reclaim");
  return reclaimed;
}

}  // namespace

Awaitable<std::vector<RunListing>> RunQueue::list_runs() {
  Command command{"HGETALL", kRunsKey};
  Expected<Reply> reply = co_await connection_.call(std::move(command));
  if (!reply && is_wrong_type(reply.error())) co_return fail(foreign_key(std::string(kRunsKey)));
  if (!reply) co_return fail(reply.error());
  std::vector<RunListing> runs;
  for (std::size_t i = 0; i + 1 < reply->size(); i += 2) {
    const std::string_view incarnation = (*reply)[i].text();
    if (!is_incarnation(incarnation)) continue;
    if (auto run = parse_listing(incarnation, (*reply)[i + 1].text())) {
      runs.push_back(std::move(*run));
    }
  }
  std::sort(runs.begin(), runs.end(), [](const RunListing& a, const RunListing& b) {
    return std::tie(b.priority, a.name, a.incarnation) <
           std::tie(a.priority, b.name, b.incarnation);
  });
  co_return runs;
}

Awaitable<void> RunQueue::forget_run(std::string incarnation) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({keys.spec, kRunsKey});
  arguments << incarnation;
  Expected<Reply> reply = co_await connection_.eval(scripts::kForget, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  co_return Status();
}

Awaitable<RunSpec> RunQueue::read_spec(std::string incarnation) {
  const Keys keys(incarnation);
  Command command{"GET", keys.spec};
  Expected<Reply> reply = co_await connection_.call(std::move(command));
  if (!reply) co_return fail(reply.error());
  if (reply->is_nil()) co_return fail(Errc::run_gone, "run " + incarnation + ": has no spec");
  co_return parse_spec(reply->text());
}

Awaitable<std::vector<Holder>> RunQueue::holders(std::string incarnation) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({keys.spec, keys.tasks, keys.workers});
  arguments << kGroup;
  Expected<Reply> reply = co_await connection_.eval(scripts::kHolders, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  std::vector<Holder> list;
  for (std::size_t i = 0; i + 2 < reply->size(); i += 3) {
    Holder holder;
    holder.name = (*reply)[i].text();
    holder.pending = (*reply)[i + 1].integer();
    holder.counter = (*reply)[i + 2].number();
    list.push_back(std::move(holder));
  }
  co_return list;
}

Awaitable<std::vector<Pending>> RunQueue::pending_of(std::string incarnation, std::string holder,
                                                     int count, EntryId after) {
  const Keys keys(incarnation);
  Command command{"XPENDING", keys.tasks, kGroup};
  command << '(' + to_string(after) << "+" << count << holder;
  Expected<Reply> reply = co_await connection_.call(std::move(command));
  if (!reply) co_return fail(reply.error());
  co_return parse_pending(*reply);
}

Awaitable<int> RunQueue::release_unmarked(std::string incarnation, Judged holder, int count) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({keys.spec, keys.tasks, keys.workers});
  arguments << kGroup << holder.name << counter_text(holder.counter) << count;
  Expected<Reply> reply = co_await connection_.eval(scripts::kReleaseUnmarked, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  co_return static_cast<int>(reply->integer());
}

Awaitable<void> RunQueue::remove_tasks(std::string incarnation, std::vector<EntryId> ids) {
  const Keys keys(incarnation);
  for (const std::vector<EntryId>& piece : in_pieces(std::move(ids))) {
    std::vector<Command> commands(2);
    commands[0] << "XACK" << keys.tasks << kGroup << piece;
    commands[1] << "XDEL" << keys.tasks << piece;
    Expected<Reply> reply =
        co_await connection_.transaction(std::move(commands), connection_.command_timeout());
    if (!reply) co_return fail(reply.error());
  }
  co_return Status();
}

Awaitable<Reclaimed> RunQueue::run_reclaim(std::string incarnation, EntryId id, Judged holder,
                                           int max_deliveries, std::string consumer,
                                           std::int64_t number) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({keys.spec, keys.tasks, keys.workers, keys.results});
  arguments << kGroup << id << holder.name << counter_text(holder.counter) << max_deliveries
            << consumer << number << expiry_s();
  Expected<Reply> reply = co_await connection_.eval(scripts::kReclaim, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  co_return parse_reclaimed(*reply, id);
}

}  // namespace photoscribe::redis
