#include "ops/cli/doctor/doctor_run.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iterator>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "common/redis/scheduler_queue.h"
#include "common/text/escape.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/run/ask_redis.h"
#include "ops/cli/run/fleet.h"
#include "ops/cli/run/writer.h"
#include "scheduler/queue/reconcile.h"
#include "scheduler/run/time_window.h"
#include "scheduler/store/check_run.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

namespace asio = boost::asio;

Check store_check(const RunCheck& found, const std::string& again) {
  Check check;
  check.name = "database";
  check.finding = counted(found.images, "photo");
  if (found.faults() == 0) {
    check.finding += ": every finished photo has its result, and the counts are right";
    return check;
  }
  const auto add = [&](std::int64_t number, const std::string& what) {
    if (number > 0) check.finding += "; " + grouped(number) + " " + what;
  };
  add(found.lost_results, "final without a result");
  add(found.other_states, "whose state contradicts their result");
  add(found.misjudged, "whose verdict contradicts their confidence");
  add(found.miscounted, "counts that are wrong");
  check.health = found.mended ? CheckHealth::warning : CheckHealth::bad;
  check.finding += found.mended ? ": mended" : "";
  check.cure = found.mended ? found.lost_results > 0 ? again + " does those without a result" : ""
                            : "photoscribe doctor --run with --mend";
  return check;
}

Check archive_check(const RunCheck& found, const std::string& again) {
  Check check;
  check.name = "photos";
  if (found.missing + found.changed == 0) {
    check.finding = "all are there, unchanged";
    return check;
  }
  check.health = CheckHealth::warning;
  check.finding = grouped(found.missing) + " missing, " + grouped(found.changed) +
                  " changed since they were found, such as " + found.example;
  check.cure = again + " PHOTOS scans again (is everything mounted?)";
  return check;
}

constexpr int kBatchesAtOnce = 128;
constexpr std::chrono::milliseconds kSecondLook{500};

struct InRedis {
  redis::Presence there;
  std::optional<redis::Snapshot> tasks;  // none: the run is not complete there
  std::int64_t batches = 0;              // of results that are not recorded yet
  std::set<ImageAttempt> in_results;
};

/// Reads what a scheduler would read to reconcile, in the same order; changes nothing.
asio::awaitable<Expected<InRedis>> look_into_redis(redis::Connection& connection,
                                                   std::string incarnation) {
  const Status up = co_await connection.connect();
  if (!up) co_return fail(up.error());
  redis::SchedulerQueue queue(connection);
  const Expected<redis::Presence> there = co_await queue.presence(incarnation);
  if (!there) co_return fail(there.error());
  InRedis found;
  found.there = *there;
  if (!there->complete()) co_return found;
  Expected<redis::Snapshot> tasks = co_await queue.snapshot(incarnation, std::nullopt);
  if (!tasks) co_return fail(tasks.error());
  found.tasks = std::move(*tasks);
  for (redis::EntryId last;;) {
    const Expected<std::vector<redis::ResultEntry>> page =
        co_await queue.read_results(incarnation, kBatchesAtOnce, last);
    if (!page) co_return fail(page.error());
    for (const redis::ResultEntry& entry : *page) {
      for (const Result& result : entry.batch.results) {
        found.in_results.insert({result.image_id, result.attempt});
      }
    }
    found.batches += static_cast<std::int64_t>(page->size());
    if (page->size() < kBatchesAtOnce) co_return found;
    last = page->back().id;
  }
}

std::int64_t tasks_with_workers(const redis::Snapshot& tasks) {
  return std::count_if(tasks.window.begin(), tasks.window.end(),
                       [](const redis::WindowEntry& entry) { return entry.pending; });
}

/// What is in the sets from before and after Redis was read, so without what changed meanwhile.
std::vector<ImageAttempt> in_both(const std::vector<ImageAttempt>& before,
                                  const std::vector<ImageAttempt>& after) {
  const std::set<ImageAttempt> still(after.begin(), after.end());
  std::vector<ImageAttempt> both;
  std::copy_if(before.begin(), before.end(), std::back_inserter(both),
               [&](const ImageAttempt& one) { return still.contains(one); });
  return both;
}

struct Comparison {
  InRedis seen;
  std::vector<ImageAttempt> missing;  // enqueued and unfinished, but neither a task nor a result
};

Expected<Comparison> compare(const Config& config, Store& store, const RunRow& row) {
  const Expected<std::vector<ImageAttempt>> before = store.unfinished_enqueued(row.id);
  if (!before) return fail(before.error());
  const auto look = [&row](redis::Connection& connection) {
    return look_into_redis(connection, *row.incarnation);
  };
  Expected<InRedis> seen = ask_redis<InRedis>(config.redis.url, look);
  if (!seen) return fail(seen.error());
  const Expected<std::vector<ImageAttempt>> after = store.unfinished_enqueued(row.id);
  if (!after) return fail(after.error());
  Comparison found;
  found.seen = std::move(*seen);
  if (!found.seen.tasks) return found;
  found.missing = plan_reconcile(in_both(*before, *after), found.seen.tasks->window).enqueue;
  std::erase_if(found.missing,
                [&](const ImageAttempt& one) { return found.seen.in_results.contains(one); });
  return found;
}

/// A running scheduler marks tasks as enqueued in the database before Redis has them; those are
/// there at the second comparison.
Expected<Comparison> compare_twice(const Config& config, Store& store, const RunRow& row,
                                   bool at_work) {
  Expected<Comparison> first = compare(config, store, row);
  if (!first || !at_work || first->missing.empty()) return first;
  std::this_thread::sleep_for(kSecondLook);
  Expected<Comparison> second = compare(config, store, row);
  if (second) second->missing = in_both(first->missing, second->missing);
  return second;
}

/// Outside its hours, the scheduler withdraws tasks that no worker holds.
bool is_out_of_hours(const RunRow& row) {
  const auto window = parse_day_window(row.schedule.between);
  return window && !is_open(*window, local_minute(std::time(nullptr)));
}

Check queue_check(const Config& config, Store& store, const RunRow& row, const RunCheck& found,
                  bool at_work) {
  Check check;
  check.name = "queue";
  const std::string window =
      grouped(found.enqueued) + " of " + grouped(found.pending) + " unfinished photos are enqueued";
  const std::string later = at_work ? "its scheduler enqueues them again by itself"
                                    : "the next scheduler enqueues what is missing";
  if (!row.incarnation) {
    check.finding =
        window + "; nothing of the run is in Redis" + (found.enqueued > 0 ? ", " + later : "");
    return check;
  }
  if (config.redis.url.empty()) {
    check.finding = window + (at_work ? "; its Redis is private" : "; no Redis is named: " + later);
    return check;
  }
  const Expected<Comparison> compared = compare_twice(config, store, row, at_work);
  if (!compared) {
    check.health = CheckHealth::warning;
    check.finding = window + "; " + compared.error().message;
    check.cure = later;
    return check;
  }
  const InRedis& seen = compared->seen;
  if (!seen.tasks) {
    check.health = found.enqueued > 0 ? CheckHealth::warning : CheckHealth::good;
    check.finding =
        window + "; Redis " +
        (seen.there.nothing() ? "has none of the run's keys" : "has lost some of its keys");
    check.cure = found.enqueued > 0 ? later : "";
    return check;
  }
  check.finding = window + "; Redis has " + grouped(std::ssize(seen.tasks->window)) + " tasks, " +
                  grouped(tasks_with_workers(*seen.tasks)) + " of them with workers, and " +
                  grouped(seen.batches) + " batches of results to record";
  if (compared->missing.empty()) return check;
  check.finding += "; " + grouped(std::ssize(compared->missing)) + " are missing in it";
  if (row.control != RunControl::running) {
    check.finding += ", withdrawn because the run is " + std::string(to_string(row.control));
  } else if (is_out_of_hours(row)) {
    check.finding += ", outside its hours (" + row.schedule.between + ")";
  } else {
    check.health = CheckHealth::warning;
    check.cure = later;
  }
  return check;
}

/// Whether any worker could do what is left, now.
Check workers_check(const Config& config, Lookup& store, const RunRow& row, const RunCheck& found,
                    bool at_work) {
  Check check;
  check.name = "workers";
  if (found.pending == 0 || row.control != RunControl::running || !at_work) {
    check.finding = found.pending == 0 ? "none is needed: nothing is left to do"
                    : !at_work
                        ? "none is needed while no scheduler is at work"
                        : "none is needed: the run is " + std::string(to_string(row.control));
    return check;
  }
  DatabasePlace place;
  place.database = config.database;
  place.state_folder =
      config.state_folder.empty() ? config.database + ".state" : config.state_folder;
  const auto fleet = fetch_fleet(place, config.redis.url);
  const Expected<std::vector<Root>> roots = store.roots(row.id);
  if (!fleet || !roots) {
    check.health = CheckHealth::warning;
    check.finding = "cannot be asked about: " + (fleet ? roots.error() : fleet.error()).message;
    check.cure = "photoscribe doctor again, with --redis URL where workers use another server";
    return check;
  }
  const auto why = why_nobody_serves(row, *roots, *fleet);
  check.finding =
      why ? "no worker can process the run's photos: " + *why
          : counted(std::ssize(*fleet), "worker") + " there, and some can process its photos";
  if (!why) return check;
  check.health = CheckHealth::bad;
  check.cure = "photoscribe status " + shell_quoted(config.database) +
               " --workers shows each; start one that meets the run's needs";
  return check;
}

}  // namespace

std::vector<Check> check_one_run(const Config& config, const std::string& name, bool mend) {
  const bool at_work = current_writer(config.database).has_value();
  const std::string again = "photoscribe run -o " + shell_quoted(config.database) +
                            (name == "default" ? "" : " --new-run " + shell_quoted(name));
  const auto wrong = [](const Error& error) {
    return std::vector<Check>{{"run", CheckHealth::bad, error.message, ""}};
  };
  const Expected<RunCheck> found =
      mend ? mend_run(config.database, name, true) : check_run(config.database, name, true);
  if (!found) return wrong(found.error());
  Expected<Store> store = Store::open_reader(config.database);
  if (!store) return wrong(store.error());
  const Expected<std::optional<RunRow>> row = store->find_run(name);
  if (!row) return wrong(row.error());
  return {store_check(*found, again), archive_check(*found, again),
          queue_check(config, *store, **row, *found, at_work),
          workers_check(config, *store, **row, *found, at_work)};
}

}  // namespace photoscribe::cli
