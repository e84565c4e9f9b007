#include "worker/queue/consumer.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "common/async/rethrow.h"
#include "common/text/escape.h"
#include "worker/queue/consumer_impl.h"

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr auto kDeviceLostLimit = 5'000ms;
constexpr auto kHungReadsLimit = 5'000ms;

WorkerReport describe(const ConsumerConfig& config, const Roots& roots) {
  WorkerReport report;
  std::array<char, 256> host{};
  report.name = config.name;
  report.host = gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "?";
  report.pid = getpid();
  report.model_hash = config.model_hash;
  report.model_name = config.model_name;
  report.devices = config.devices;
  for (const auto& [name, root] : roots) report.roots[name] = "";
  return report;
}

}  // namespace

Consumer::Impl::Impl(ConsumerConfig config, const Roots& roots, PipelineConfig pipeline,
                     CaptionerFactory factory, Loader loader)
    : config_(std::move(config)),
      self_(describe(config_, roots)),
      runs_([this] {
        std::map<std::string, milliseconds> beats;
        for (const auto& [incarnation, run] : runs_) {
          beats[incarnation] = milliseconds(run.context->spec.lease.beat_ms);
        }
        heart_.set_runs(std::move(beats));
      }),
      stop_([this] { on_stop(); }, [this] { wake_everybody(); }),
      take_(io_.get_executor(), config_.endpoint, config_.name + "-take", runs_, stop_),
      feed_(io_.get_executor(), config_.endpoint, config_.name + "-feed", runs_, stop_),
      publish_(io_.get_executor(), config_.endpoint, config_.name + "-publish", runs_, stop_),
      machine_(config_.roots.blame),
      watchdog_(config_.watchdog),
      heart_(config_.endpoint, redis::ConnectionOptions{config_.name + "-beat", 5'000ms, 5'000ms},
             config_.name, [this] { return health_.alive(); }),
      pipeline_(pipeline, std::move(factory), std::move(loader), pipeline_events()),
      roots_(roots, config_.roots, io_.get_executor(), root_actions()),
      publisher_(publish_, runs_, held_, wakes_, stop_, metrics_, config_.name),
      taker_({take_, runs_, held_, jobs_, roots_, machine_, wakes_, stop_, metrics_}, heart_,
             self_),
      dispatcher_({feed_, runs_, held_, jobs_, roots_, machine_, wakes_, stop_, metrics_},
                  publisher_, config_.name, pipeline.batch_max) {
  WorkerReport starting = self_;
  starting.starting = true;
  heart_.set_report(to_json(starting));
}

Ending Consumer::Impl::run() {
  if (const Status ready = pipeline_.wait_ready(); !ready) {
    return Ending{kExitEnvironment, ready.error().message};
  }
  asio::co_spawn(io_, taker_.loop(), rethrow);
  asio::co_spawn(io_, feed_until_end(), rethrow);
  asio::co_spawn(io_, publisher_.loop(), rethrow);
  asio::co_spawn(io_, watch_loop(), rethrow);
  io_.run();
  return stop_.ending().value_or(Ending{kExitEnvironment, "the worker ended without being told"});
}

void Consumer::Impl::request_stop(milliseconds limit) {
  asio::post(io_, [this, limit] { stop_.begin(Ending(), limit); });
}

// ---- what comes out of the pipeline, and of the roots' keeper

PipelineEvents Consumer::Impl::pipeline_events() {
  PipelineEvents events;
  events.finished = [this](std::vector<Finished> items) {
    asio::post(io_, [this, items = std::move(items)]() mutable { on_finished(std::move(items)); });
  };
  events.faulted = [this](Faulted item) {
    asio::post(io_, [this, item = std::move(item)]() mutable { on_faulted(std::move(item)); });
  };
  events.returned = [this](Job job) {
    asio::post(io_, [this, job = std::move(job)] {
      watchdog_.moved(Clock::now());
      give_back(job);
    });
  };
  events.model_open = [this](const std::string& device, const std::string& precision) {
    metrics_.set_precision(device, precision);
  };
  events.batch = [this](std::size_t photos) {
    metrics_.batch_photos.observe(static_cast<double>(photos));
  };
  events.device_lost = [this](const std::string& device, const Error& why, std::vector<Job> jobs) {
    asio::post(io_,
               [this, device, why, jobs = std::move(jobs)] { on_device_lost(device, why, jobs); });
  };
  return events;
}

RootActions Consumer::Impl::root_actions() {
  RootActions actions;
  actions.give_back = [this](const Job& job) { give_back(job); };
  actions.fail = [this](Job job, Failed failed) { fail(std::move(job), std::move(failed)); };
  actions.lost = [this](const std::string&) {
    held_.give_back_where([this](const Task& task) { return !roots_.is_ready(task.root); });
  };
  actions.regained = [this] {
    for (auto& [incarnation, run] : runs_) {
      run.rest_until = Clock::time_point();
      run.fruitless_reads = 0;
    }
    wakes_.take.wake();
    wakes_.feed.wake();
  };
  actions.too_many_hang = [this](const std::string& why) {
    stop_.begin(Ending{kExitReplaceMe, why}, kHungReadsLimit);
  };
  return actions;
}

void Consumer::Impl::on_finished(std::vector<Finished> items) {
  watchdog_.moved(Clock::now());
  photos_finished_ += std::ssize(items);
  metrics_.add_finished(items);
  for (auto& item : items) {
    jobs_.ended(item.job);
    if (!std::holds_alternative<Failed>(item.result.outcome)) {
      machine_.was_read();
      roots_.was_read(item.job.task.root);
    }
    if (std::holds_alternative<Captioned>(item.result.outcome)) publisher_.publish_now();
    publisher_.add(std::move(item));
  }
  if (jobs_.empty()) publisher_.publish_now();
  wakes_.feed.wake();
}

void Consumer::Impl::on_faulted(Faulted item) {
  if (stop_.begun()) {
    give_back(item.job);
    return;
  }
  const bool storage = item.fault.of == FaultOf::storage;
  (storage ? metrics_.faults_of_storage : metrics_.faults_of_machine).add();
  if (storage) {
    roots_.on_fault(std::move(item));
    return;
  }
  const std::string why = item.fault.why;
  if (std::optional<Failed> failed = machine_.judge(item)) {
    fail(std::move(item.job), std::move(*failed));
  } else {
    give_back(item.job);
  }
  if (machine_.begin(why)) {
    held_.give_back_all(stop_.begun(), false);
    roots_.give_unjudged_back();
  }
  wakes_.feed.wake();
}

void Consumer::Impl::on_device_lost(const std::string& device, const Error& why,
                                    const std::vector<Job>& jobs) {
  spdlog::error("msg=\"device lost\" device={} error={}", device, log_value(why.message));
  // Its batch stays in our name and counts as a crash: one of its photos may be the cause.
  for (const auto& job : jobs) {
    held_.charge(job);
    jobs_.give_up(job);
  }
  stop_.begin(Ending{kExitReplaceMe, "device " + device + ": " + why.message}, kDeviceLostLimit);
}

void Consumer::Impl::give_back(const Job& job) {
  jobs_.ended(job);
  held_.give_back(job);
}

void Consumer::Impl::fail(Job job, Failed failed) {
  Finished finished;
  finished.result = begin_result(job);
  finished.result.outcome = std::move(failed);
  finished.job = std::move(job);
  std::vector<Finished> one;
  one.push_back(std::move(finished));
  on_finished(std::move(one));
}

Consumer::Consumer(ConsumerConfig config, const Roots& roots, PipelineConfig pipeline,
                   CaptionerFactory factory, Loader loader)
    : impl_(std::make_unique<Impl>(std::move(config), roots, std::move(pipeline),
                                   std::move(factory), std::move(loader))) {}
Consumer::~Consumer() = default;
Ending Consumer::run() { return impl_->run(); }
void Consumer::request_stop(milliseconds limit) { impl_->request_stop(limit); }
const Health& Consumer::health() const noexcept { return impl_->health(); }
std::string Consumer::metrics() const { return impl_->metrics(); }

}  // namespace photoscribe
