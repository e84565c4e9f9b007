#include "tests/scheduler/process/fake_worker.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>

#include "common/core/wire.h"
#include "common/redis/identity.h"
#include "tests/support/blur_scores.h"

namespace photoscribe::test {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

redis::Endpoint endpoint_of(const std::string& url) {
  const auto endpoint = redis::parse_endpoint(url);
  return endpoint ? *endpoint : redis::Endpoint{};
}

Result result_of(const Task& task) {
  Result result;
  result.image_id = task.image_id;
  result.attempt = task.attempt;
  result.width_px = 640;
  result.height_px = 480;
  result.finished_unix_ms = 1'700'000'000'000;
  if (task.image_id % 11 == 0) {
    result.outcome = Failed{Reason::truncated, "ends early"};
    result.width_px = result.height_px = 0;
  } else if (task.image_id % 7 == 0) {
    result.outcome = Blurred{};
    result.blur_scores = test::every_mode(10.5);
  } else {
    Captioned done;
    done.caption.text = "photo " + std::to_string(task.image_id);
    done.caption.log_prob = -1;
    done.caption.tokens = 2;
    result.outcome = std::move(done);
    result.blur_scores = test::every_mode(500);
  }
  return result;
}

}  // namespace

FakeWorker::FakeWorker(asio::io_context& io, FakeWorkerSettings settings)
    : settings_(std::move(settings)),
      connection_(io.get_executor(), endpoint_of(settings_.url)),
      queue_(connection_),
      liveness_(settings_.lease),
      timer_(io),
      consumer_(redis::new_consumer_name(settings_.name_prefix)) {}

asio::awaitable<void> FakeWorker::work() {
  while (!stopping_) {
    idle_ = true;
    Status passed = co_await pass();
    if (!passed || idle_) co_await rest(milliseconds(passed ? 1 : 5));
  }
  if (connection_.is_open() && !joined_.empty()) {
    (void)co_await queue_.leave(joined_, consumer_);
  }
  connection_.close();
}

void FakeWorker::stop() {
  stopping_ = true;
  timer_.cancel();
}

asio::awaitable<Status> FakeWorker::pass() {
  if (!connection_.is_open()) {
    liveness_.forget();
    renew_at_ = look_at_ = Clock::time_point();
    Status up = co_await connection_.connect();
    if (!up) co_return up;
  }
  const auto runs = co_await queue_.list_runs();
  if (!runs) co_return fail(runs.error());
  for (const redis::RunListing& run : *runs) {
    Status served = co_await serve(run.incarnation);
    if (served || served.error().code != Errc::run_gone) {
      if (!served) co_return served;
      continue;
    }
    Status forgotten = co_await queue_.forget_run(run.incarnation);
    if (!forgotten) co_return forgotten;
  }
  co_return Status();
}

asio::awaitable<Status> FakeWorker::serve(std::string incarnation) {
  joined_ = incarnation;
  Status beaten = co_await queue_.beat(incarnation, consumer_, ++beats_);
  if (!beaten) co_return beaten;
  const auto now = Clock::now();
  if (now >= renew_at_) {
    renew_at_ = now + settings_.lease / 2;
    Status renewed = co_await renew(incarnation);
    if (!renewed) co_return renewed;
  }
  if (now >= look_at_) {
    look_at_ = now + settings_.lease / 4;
    Status taken = co_await take_over(incarnation);
    if (!taken) co_return taken;
  }
  auto tasks = co_await queue_.read_tasks(incarnation, consumer_, settings_.batch);
  if (!tasks) co_return fail(tasks.error());
  if (tasks->empty()) co_return Status();
  co_return co_await process(incarnation, std::move(*tasks), false);
}

asio::awaitable<Status> FakeWorker::renew(std::string incarnation) {
  std::vector<redis::EntryId> nothing_held;  // between two batches
  auto renewal = co_await queue_.renew(incarnation, consumer_, std::move(nothing_held));
  if (!renewal) co_return fail(renewal.error());
  for (redis::Delivery& stray : renewal->strays) {
    std::vector<redis::Delivery> alone;
    alone.push_back(std::move(stray));
    Status done = co_await process(incarnation, std::move(alone), false);
    if (!done) co_return done;
  }
  co_return Status();
}

asio::awaitable<Status> FakeWorker::take_over(std::string incarnation) {
  const auto holders = co_await queue_.holders(incarnation);
  if (!holders) co_return fail(holders.error());
  liveness_.observe(*holders, Clock::now());
  const std::vector<redis::Holder> dead = liveness_.dead();
  for (const redis::Holder& holder : dead) {
    if (holder.pending == 0) continue;
    redis::Judged judged;
    judged.name = holder.name;
    judged.counter = holder.counter;
    const auto released = co_await queue_.release_unmarked(incarnation, judged);
    if (!released) co_return fail(released.error());
    const auto pending = co_await queue_.pending_of(incarnation, holder.name, 100);
    if (!pending) co_return fail(pending.error());
    for (const redis::Pending& entry : *pending) {
      auto verdict =
          co_await queue_.reclaim(incarnation, consumer_, ++number_, entry.id, judged, 3);
      if (!verdict) co_return fail(verdict.error());
      if (verdict->verdict != redis::ReclaimVerdict::claimed) continue;
      std::vector<redis::Delivery> alone;
      alone.push_back(std::move(*verdict->delivery));
      Status done = co_await process(incarnation, std::move(alone), true);
      if (!done) co_return done;
    }
  }
  co_return Status();
}

asio::awaitable<Status> FakeWorker::process(std::string incarnation,
                                            std::vector<redis::Delivery> tasks, bool started) {
  idle_ = false;
  std::vector<redis::EntryId> ids;
  for (const redis::Delivery& one : tasks) ids.push_back(one.id);
  if (!started) {
    auto ours = co_await queue_.start(incarnation, consumer_, ++number_, ids);
    if (!ours) co_return fail(ours.error());
    std::erase_if(tasks, [&](const redis::Delivery& one) {
      return std::find(ours->begin(), ours->end(), one.id) == ours->end();
    });
    ids = std::move(*ours);
  }
  if (tasks.empty()) co_return Status();
  ResultBatch batch;
  batch.worker = consumer_;
  std::vector<Task> in_hand;
  for (const redis::Delivery& one : tasks) {
    in_hand.push_back(one.task);
    ++computed_[{one.task.image_id, one.task.attempt}];
    batch.results.push_back(result_of(one.task));
  }
  if (settings_.in_hand) settings_.in_hand(in_hand);
  const std::string& slow_while = settings_.slow_while;
  const bool slow = slow_while.empty() || std::filesystem::exists(slow_while);
  if (slow && settings_.per_batch.count() > 0) co_await rest(settings_.per_batch);
  std::string packed = settings_.pack(batch);
  Status published = co_await queue_.finish(incarnation, std::move(ids), std::move(packed));
  if (!published) co_return published;
  published_ += static_cast<std::int64_t>(batch.results.size());
  if (settings_.finished) settings_.finished(published_);
  co_return Status();
}

asio::awaitable<void> FakeWorker::rest(milliseconds time) {
  timer_.expires_after(time);
  boost::system::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await timer_.async_wait(token);
}

}  // namespace photoscribe::test
