#include "worker/consumer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "common/redis/errors.h"
#include "common/redis/identity.h"
#include "common/redis/server_info.h"
#include "worker/log.h"

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using State = Holdings::State;

namespace {

constexpr auto kLeaseWithoutRuns = 30'000ms;
constexpr auto kRejoinAfter = 1'000ms;
constexpr auto kDeviceLostLimit = 5'000ms;

double unit_random() { return static_cast<double>(redis::random_u64() >> 11) * 0x1.0p-53; }

void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

}  // namespace

Consumer::Link::Link(const asio::any_io_executor& executor, const redis::Endpoint& endpoint,
                     const std::string& client_name)
    : connection(executor, endpoint, redis::ConnectionOptions{client_name, 5'000ms, 10'000ms}),
      pause(executor) {}

Consumer::JoinedRun::JoinedRun(std::shared_ptr<const RunContext> run)
    : context(std::move(run)), liveness(milliseconds(context->spec.lease.lease_ms)) {}

Consumer::Consumer(ConsumerConfig config, const Roots& roots, PipelineConfig pipeline,
                   CaptionerFactory factory, Loader loader)
    : config_(std::move(config)),
      roots_(roots),
      batch_max_(std::max<std::size_t>(1, pipeline.batch_max)),
      take_(io_.get_executor(), config_.endpoint, config_.name + "-take"),
      feed_(io_.get_executor(), config_.endpoint, config_.name + "-feed"),
      publish_(io_.get_executor(), config_.endpoint, config_.name + "-publish"),
      wake_take_(io_.get_executor()),
      wake_feed_(io_.get_executor()),
      wake_publish_(io_.get_executor()),
      wake_watch_(io_.get_executor()),
      storage_faults_(config_.roots.blame),
      memory_faults_(config_.roots.blame) {
  for (const auto& [name, root] : roots_) roots_state_[name] = RootState();
  probes_.emplace(roots_, config_.roots.check, io_.get_executor(),
                  [this](const RootProbes::Answer& answer) { on_root_answer(answer); });
  heart_.emplace(config_.endpoint,
                 redis::ConnectionOptions{config_.name + "-beat", 5'000ms, 5'000ms}, config_.name,
                 [this] { return health_.alive(); });
  WorkerReport starting = self();
  starting.starting = true;
  heart_->set_report(to_json(starting));
  pipeline_ = std::make_unique<Pipeline>(std::move(pipeline), std::move(factory), std::move(loader),
                                         pipeline_events());
}

Consumer::~Consumer() = default;

Ending Consumer::run() {
  if (const Status ready = pipeline_->wait_ready(); !ready) {
    return Ending{kExitEnvironment, ready.error().message};
  }
  asio::co_spawn(io_, take_loop(), rethrow);
  asio::co_spawn(io_, feed_loop(), rethrow);
  asio::co_spawn(io_, publish_loop(), rethrow);
  asio::co_spawn(io_, watch_loop(), rethrow);
  io_.run();
  return drain_ ? drain_->ending : Ending{kExitEnvironment, "the worker ended without being told"};
}

void Consumer::request_stop(milliseconds limit) {
  asio::post(io_, [this, limit] { begin_drain(kExitStopped, "", limit); });
}

// As the scheduler, so that both say the same of a server that neither can use.
asio::awaitable<Status> Consumer::check_server_of(Link& link) {
  const Expected<redis::ServerInfo> info = co_await redis::read_server_info(link.connection);
  Status fit = info ? redis::check_kind(*info) : Status(fail(info.error()));
  if (!fit) link.connection.close();
  co_return fit;
}

asio::awaitable<bool> Consumer::reach(Link& link) {
  if (link.connection.is_open()) co_return true;
  Status connected = co_await link.connection.connect();
  if (connected && &link == &take_) connected = co_await check_server_of(link);
  if (connected) {
    // What was on its way when the old connection broke may have put tasks into our name (H1).
    for (auto& [incarnation, run] : runs_) run.renew_at = Clock::time_point();
    co_return true;
  }
  co_await trouble(link, connected.error());
  co_return false;
}

// Errors decide by their kind: what may pass is waited for, the rest ends the worker (style.md 3).
asio::awaitable<void> Consumer::trouble(Link& link, Error error) {
  if (ended_ || error.code == Errc::cancelled) co_return;
  if (!is_transient(error.code)) {
    spdlog::error("msg=\"giving up\" error={}", log_value(error.message));
    begin_drain(kExitEnvironment, error.message, 1'000ms);
    co_await link.pause.sleep(100ms);
    co_return;
  }
  if (++link.failures == 1) {
    spdlog::warn("msg=\"Redis unavailable, trying again\" error={}", log_value(error.message));
  }
  // Leases go on running while we wait.
  redis::BackoffSettings settings;
  settings.longest = std::clamp<milliseconds>(lease() / 6, 50ms, 5'000ms);
  settings.first = std::min<milliseconds>(settings.first, settings.longest);
  const auto wait = drain_ ? 50ms : redis::backoff(link.failures, unit_random(), settings);
  co_await link.pause.sleep(wait);
}

void Consumer::works(Link& link) {
  if (link.failures > 0) spdlog::info("msg=\"Redis answers again\" failures={}", link.failures);
  link.failures = 0;
}

Consumer::JoinedRun* Consumer::find(const std::string& incarnation) {
  const auto found = runs_.find(incarnation);
  return found == runs_.end() ? nullptr : &found->second;
}

std::vector<std::string> Consumer::joined() const {
  std::vector<std::string> names;
  for (const auto& [incarnation, run] : runs_) names.push_back(incarnation);
  return names;
}

RunShare Consumer::share_of(const JoinedRun& run) {
  return RunShare{run.context->incarnation, run.weight, run.priority};
}

std::size_t Consumer::waiting() const {
  std::size_t sum = 0;
  for (const auto& [incarnation, run] : runs_) sum += run.held.count(State::waiting);
  return sum;
}

Consumer::milliseconds Consumer::lease() const {
  milliseconds shortest = kLeaseWithoutRuns;
  for (const auto& [incarnation, run] : runs_) {
    shortest = std::min(shortest, milliseconds(run.context->spec.lease.lease_ms));
  }
  return shortest;
}

void Consumer::tell_heart() {
  std::map<std::string, milliseconds> beats;
  for (const auto& [incarnation, run] : runs_) {
    beats[incarnation] = milliseconds(run.context->spec.lease.beat_ms);
  }
  heart_->set_runs(std::move(beats));
}

void Consumer::drop_run(const std::string& incarnation, const std::string& why) {
  const auto found = runs_.find(incarnation);
  if (found == runs_.end()) return;
  spdlog::info("msg=\"left run\" run={} incarnation={} tasks_dropped={} why={}",
               log_value(found->second.context->spec.run), incarnation,
               found->second.held.ids().size(), log_value(why));
  const auto taken =
      pipeline_->take_back([&](const Job& job) { return job.run->incarnation == incarnation; });
  in_pipeline_ -= taken.size();
  runs_.erase(found);
  take_turns_.forget(incarnation);
  feed_turns_.forget(incarnation);
  tell_heart();
  // Its successor may be there already; itself, half lost, not before the scheduler has mended it.
  not_before_[incarnation] = Clock::now() + kRejoinAfter;
  list_at_ = Clock::time_point();
  wake_take_.notify();
  wake_feed_.notify();
}

void Consumer::forget_entries(JoinedRun& run, const std::vector<redis::EntryId>& lost) {
  std::vector<redis::EntryId> gone;
  for (const auto id : lost) {
    // A result that is ready goes out even so: it is welcome (protocol.md Q12).
    if (run.held.find(id) != nullptr && !run.held.is(id, State::done)) gone.push_back(id);
  }
  if (gone.empty()) return;
  spdlog::info("msg=\"tasks are no longer ours, dropping them\" run={} tasks={}",
               log_value(run.context->spec.run), gone.size());
  run.held.remove(gone);
  const std::set<redis::EntryId> ids(gone.begin(), gone.end());
  const auto& incarnation = run.context->incarnation;
  const auto taken = pipeline_->take_back([&](const Job& job) {
    return job.run->incarnation == incarnation && ids.contains(job.entry);
  });
  in_pipeline_ -= taken.size();
  wake_feed_.notify();
}

void Consumer::give_back(JoinedRun& run, const std::vector<redis::EntryId>& ids) {
  if (ids.empty()) return;
  run.held.move(ids, State::returning);
  wake_feed_.notify();
}

PipelineEvents Consumer::pipeline_events() {
  PipelineEvents events;
  events.finished = [this](std::vector<Finished> items) {
    asio::post(io_, [this, items = std::move(items)]() mutable { on_finished(std::move(items)); });
  };
  events.faulted = [this](Faulted item) {
    asio::post(io_, [this, item = std::move(item)]() mutable { on_faulted(std::move(item)); });
  };
  events.returned = [this](Job job) {
    asio::post(io_, [this, job = std::move(job)]() mutable { on_returned(std::move(job)); });
  };
  events.device_lost = [this](const std::string& device, const Error& why, std::vector<Job> jobs) {
    asio::post(io_,
               [this, device, why, jobs = std::move(jobs)] { on_device_lost(device, why, jobs); });
  };
  return events;
}

void Consumer::on_finished(std::vector<Finished> items) {
  standstill_.moved(Clock::now());
  in_pipeline_ -= items.size();
  photos_finished_ += std::ssize(items);
  for (auto& item : items) {
    const auto* failed = std::get_if<Failed>(&item.result.outcome);
    if (failed == nullptr) {
      ++photos_read_;
      if (!unready()) machine_failures_ = 0;
      if (const auto root = roots_state_.find(item.job.task.root); root != roots_state_.end()) {
        ++root->second.photos_read;
        if (root->second.ready) root->second.failures = 0;
      }
      if (std::holds_alternative<Captioned>(item.result.outcome)) publish_now_ = true;
    }
    JoinedRun* run = find(item.job.run->incarnation);
    // Not ours any more: the lease was lost, or the watchdog has spoken already.
    if (run == nullptr || !run->held.is(item.job.entry, State::in_hand)) continue;
    run->held.move({item.job.entry}, State::done);
    if (done_.empty()) done_since_ = Clock::now();
    done_.push_back(std::move(item));
  }
  if (in_pipeline_ == 0) publish_now_ = true;
  wake_publish_.notify();
  wake_feed_.notify();
}

void Consumer::on_returned(Job job) {
  standstill_.moved(Clock::now());
  --in_pipeline_;
  JoinedRun* run = find(job.run->incarnation);
  if (run != nullptr && run->held.is(job.entry, State::in_hand)) give_back(*run, {job.entry});
  wake_feed_.notify();
}

void Consumer::finish_failed(Job job, Failed failed) {
  Finished finished;
  finished.result = begin_result(job);
  finished.result.outcome = std::move(failed);
  finished.job = std::move(job);
  std::vector<Finished> one;
  one.push_back(std::move(finished));
  on_finished(std::move(one));
}

FaultCounts::ImageKey Consumer::key_of(const Job& job) {
  return {job.run->incarnation, job.task.image_id, job.task.attempt};
}

void Consumer::on_device_lost(const std::string& device, const Error& why,
                              const std::vector<Job>& jobs) {
  spdlog::error("msg=\"device lost\" device={} error={}", device, log_value(why.message));
  // Its batch stays in our name and counts as a crash: one of its photos may be the cause.
  for (const auto& job : jobs) charged_.emplace(job.run->incarnation, job.entry);
  abandoned_ += jobs.size();
  begin_drain(kExitReplaceMe, "device " + device + ": " + why.message, kDeviceLostLimit);
}

}  // namespace photoscribe
