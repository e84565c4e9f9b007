#include "common/redis/worker_queue.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "common/redis/queue_parse.h"
#include "common/redis/scripts.h"

namespace photoscribe::redis {
namespace {

constexpr int kPendingPage = 10'000;
constexpr milliseconds kBlockMax{2'000};
/// Strays taken up by one renew(); the next one finds the rest.
constexpr std::size_t kStraysMax = 1'000;

Command read_group(const std::string& consumer, int count) {
  Command command{"XREADGROUP", "GROUP", kGroup, consumer, "COUNT"};
  command << count;
  return command;
}

/// By incarnation: places in a list of questions.
using PlacesOfRuns = std::map<std::string, std::vector<std::size_t>>;

/// Two a run.
std::vector<Command> seen_commands(const PlacesOfRuns& of_run,
                                   const std::vector<SeenQuestion>& questions) {
  std::vector<Command> commands;
  for (const auto& [incarnation, places] : of_run) {
    const Keys keys(incarnation);
    for (const std::string* key : {&keys.seen, &keys.seen_before}) {
      Command& command = commands.emplace_back("HMGET") << *key;
      for (const std::size_t place : places) command << bytes_of(questions[place].hash);
    }
  }
  return commands;
}

/// Every entry pending in the consumer's name, ascending.
Awaitable<std::vector<Pending>> own_pending(WorkerQueue& queue, std::string incarnation,
                                            std::string consumer) {
  std::vector<Pending> own;
  EntryId after;
  while (true) {
    auto page = co_await queue.pending_of(incarnation, consumer, kPendingPage, after);
    if (!page) co_return fail(page.error());
    const bool last = page->size() < static_cast<std::size_t>(kPendingPage);
    own.insert(own.end(), page->begin(), page->end());
    if (last) co_return own;
    after = own.back().id;
  }
}

}  // namespace

Awaitable<std::vector<RunDeliveries>> WorkerQueue::await_tasks(
    std::vector<std::string> incarnations, std::string consumer, int count, milliseconds block) {
  if (incarnations.empty()) co_return std::vector<RunDeliveries>();
  Command command = read_group(consumer, count);
  milliseconds timeout = connection_.command_timeout();
  if (block > milliseconds(0)) {
    const milliseconds wait = std::min(block, kBlockMax);
    command << "BLOCK" << wait.count();
    timeout += wait;
  }
  command << "STREAMS";
  std::unordered_map<std::string, std::string> run_of;  // by key
  for (const std::string& incarnation : incarnations) {
    const Keys keys(incarnation);
    command << keys.tasks;
    run_of[keys.tasks] = incarnation;
  }
  for (std::size_t i = 0; i < incarnations.size(); ++i) command << ">";

  Expected<Reply> reply = co_await connection_.call(std::move(command), timeout);
  if (!reply) co_return fail(reply.error());
  std::vector<RunDeliveries> list;
  for (std::size_t i = 0; i < reply->size(); ++i) {
    std::vector<EntryId> malformed;
    RunDeliveries run;
    run.incarnation = run_of[std::string((*reply)[i][0].text())];
    run.tasks = parse_deliveries((*reply)[i][1], malformed);
    if (!malformed.empty()) {
      spdlog::warn("msg=\"removed entries that are no tasks\" incarnation={} count={} first={}",
                   run.incarnation, malformed.size(), to_string(malformed.front()));
      Status removed = co_await remove_tasks(run.incarnation, malformed);
      if (!removed) co_return fail(removed.error());
    }
    if (!run.tasks.empty()) list.push_back(std::move(run));
  }
  co_return list;
}

Awaitable<std::vector<Delivery>> WorkerQueue::read_tasks(std::string incarnation,
                                                         std::string consumer, int count) {
  std::vector<std::string> one;
  one.push_back(std::move(incarnation));
  auto runs = co_await await_tasks(std::move(one), std::move(consumer), count, milliseconds(0));
  if (!runs) co_return fail(runs.error());
  if (runs->empty()) co_return std::vector<Delivery>();
  co_return std::move(runs->front().tasks);
}

Awaitable<void> WorkerQueue::beat(std::string incarnation, std::string consumer,
                                  std::int64_t counter) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({keys.spec, keys.workers});
  arguments << consumer << counter << expiry_s();
  Expected<Reply> reply = co_await connection_.eval(scripts::kBeat, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  co_return Status();
}

Awaitable<std::vector<EntryId>> WorkerQueue::start(std::string incarnation, std::string consumer,
                                                   std::int64_t number,
                                                   std::vector<EntryId> in_hand) {
  const Keys keys(incarnation);
  std::sort(in_hand.begin(), in_hand.end());
  Command arguments = script_arguments({keys.spec, keys.tasks, keys.workers});
  arguments << kGroup << consumer << number << expiry_s() << in_hand;
  Expected<Reply> reply = co_await connection_.eval(scripts::kStart, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  std::vector<EntryId> kept;
  kept.reserve(reply->size());
  for (std::size_t i = 0; i < reply->size(); ++i) {
    if (const auto id = parse_entry_id((*reply)[i].text())) kept.push_back(*id);
  }
  co_return kept;
}

Awaitable<void> WorkerQueue::finish(std::string incarnation, std::vector<EntryId> ids,
                                    std::string packed) {
  const Keys keys(incarnation);
  std::vector<Command> commands(3);
  commands[0] << "XADD" << keys.results << "NOMKSTREAM"
              << "*"
              << "b" << packed;
  commands[1] << "XACK" << keys.tasks << kGroup << ids;
  commands[2] << "XDEL" << keys.tasks << ids;
  if (ids.empty()) commands.resize(1);  // a result without a task: a photo past its lease
  Expected<Reply> reply =
      co_await connection_.transaction(std::move(commands), connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  if ((*reply)[0].is_nil()) {
    co_return fail(Errc::run_gone, "finish: run " + incarnation + " is not there any more");
  }
  co_return Status();
}

Awaitable<std::vector<std::optional<Result>>> WorkerQueue::find_seen(
    std::vector<SeenQuestion> questions) {
  PlacesOfRuns of_run;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    of_run[questions[i].incarnation].push_back(i);
  }
  std::vector<Command> commands = seen_commands(of_run, questions);
  const Expected<std::vector<Reply>> replies = co_await connection_.call_many(std::move(commands));
  if (!replies) co_return fail(replies.error());
  std::vector<std::optional<Result>> answers(questions.size());
  auto reply = replies->begin();
  for (const auto& [incarnation, places] : of_run) {
    for (int generation = 0; generation < 2; ++generation, ++reply) {
      if (const Status good = check(*reply, "find seen"); !good) co_return fail(good.error());
      for (std::size_t i = 0; i < places.size(); ++i) {
        std::optional<Result>& answer = answers[places[i]];
        if (!answer && !(*reply)[i].is_nil()) answer = parse_seen((*reply)[i].text());
      }
    }
  }
  co_return answers;
}

Awaitable<int> WorkerQueue::hand_back(std::string incarnation, std::string consumer,
                                      std::vector<EntryId> ids) {
  const Keys keys(incarnation);
  int done = 0;
  for (const std::vector<EntryId>& piece : in_pieces(std::move(ids))) {
    Command arguments = script_arguments({keys.spec, keys.tasks});
    arguments << kGroup << consumer << piece;
    Expected<Reply> reply = co_await connection_.eval(scripts::kHandBack, std::move(arguments),
                                                      connection_.command_timeout());
    if (!reply) co_return fail(reply.error());
    done += static_cast<int>(reply->integer());
  }
  co_return done;
}

Awaitable<Renewal> WorkerQueue::renew(std::string incarnation, std::string consumer,
                                      std::vector<EntryId> held) {
  const Keys keys(incarnation);
  auto own = co_await own_pending(*this, incarnation, consumer);
  if (!own) co_return fail(own.error());
  std::sort(held.begin(), held.end());
  Renewal renewal;
  for (const EntryId id : held) {
    const auto at = std::lower_bound(own->begin(), own->end(), id,
                                     [](const Pending& p, EntryId i) { return p.id < i; });
    if (at == own->end() || at->id != id) renewal.lost.push_back(id);
  }
  std::vector<Pending> strays;
  std::vector<Command> commands;
  for (const Pending& pending : *own) {
    if (std::binary_search(held.begin(), held.end(), pending.id)) continue;
    if (strays.size() == kStraysMax) break;
    strays.push_back(pending);
    commands.emplace_back("XRANGE") << keys.tasks << pending.id << pending.id;
  }
  auto replies = co_await connection_.call_many(std::move(commands));
  if (!replies) co_return fail(replies.error());
  std::vector<EntryId> nothing;  // finished in doubt, or not parsable
  for (std::size_t i = 0; i < strays.size(); ++i) {
    if (Status good = check((*replies)[i], "renew"); !good) co_return fail(good.error());
    std::vector<Delivery> found = parse_deliveries((*replies)[i], nothing);
    if ((*replies)[i].size() == 0) nothing.push_back(strays[i].id);
    for (Delivery& delivery : found) {
      delivery.deliveries = delivery.task.deliveries + strays[i].deliveries;
      renewal.strays.push_back(std::move(delivery));
    }
  }
  Status removed = co_await remove_tasks(incarnation, std::move(nothing));
  if (!removed) co_return fail(removed.error());
  co_return renewal;
}

Awaitable<Reclaimed> WorkerQueue::reclaim(std::string incarnation, std::string consumer,
                                          std::int64_t number, EntryId id, Judged holder,
                                          int max_deliveries) {
  Expected<Reclaimed> reclaimed = co_await run_reclaim(incarnation, id, std::move(holder),
                                                       max_deliveries, std::move(consumer), number);
  if (reclaimed || reclaimed.error().code != Errc::redis_refused) co_return reclaimed;
  // Claimed, yet no task that we can do: nobody can, and reconcile knows what is missing.
  std::vector<EntryId> one(1, id);
  Status removed = co_await remove_tasks(incarnation, std::move(one));
  if (!removed) co_return fail(removed.error());
  co_return Reclaimed();
}

Awaitable<void> WorkerQueue::leave(std::string incarnation, std::string consumer) {
  const Keys keys(incarnation);
  Command arguments = script_arguments({keys.tasks, keys.workers});
  arguments << kGroup << consumer << 0 << "";
  Expected<Reply> reply = co_await connection_.eval(scripts::kRemoveConsumer, std::move(arguments),
                                                    connection_.command_timeout());
  if (!reply) co_return fail(reply.error());
  co_return Status();
}

}  // namespace photoscribe::redis
