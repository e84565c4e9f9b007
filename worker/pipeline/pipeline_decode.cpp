// The pipeline's first stage: photos are read and decoded, and those that need no device leave.
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "worker/pipeline/pipeline.h"

namespace photoscribe {
namespace {

using Clock = std::chrono::steady_clock;

/// Results that leave together. Each group wakes the consumer, which costs about 20 us of two
/// threads.
constexpr std::size_t kGroup = 32;

}  // namespace

/// What a thread's slot says that it is working on, while it does.
class Pipeline::WorkMark {
 public:
  WorkMark(Pipeline& pipeline, std::size_t slot) : pipeline_(pipeline), slot_(slot) {}

  void enter(Stage stage) {
    const std::lock_guard lock(pipeline_.mutex_);
    InWork& work = pipeline_.slots_[slot_].work;
    work.stage = stage;
    work.since = Clock::now();
  }
  /// It gets on, although it takes long: its time begins anew.
  void gets_on() {
    const std::lock_guard lock(pipeline_.mutex_);
    pipeline_.slots_[slot_].work.since = Clock::now();
  }

 private:
  Pipeline& pipeline_;
  std::size_t slot_;
};

/// One of decoding_max, once begin() has returned: photos that were fetched at the same time are
/// decoded in turn.
class Pipeline::DecodeTurn {
 public:
  DecodeTurn(Pipeline& pipeline, std::size_t slot) : pipeline_(pipeline), slot_(slot) {}
  DecodeTurn(const DecodeTurn&) = delete;
  DecodeTurn& operator=(const DecodeTurn&) = delete;
  ~DecodeTurn() {
    if (!has_it_) return;
    {
      const std::lock_guard lock(pipeline_.mutex_);
      ++pipeline_.may_decode_;
    }
    pipeline_.decoded_.notify_one();
  }
  void begin() {
    if (pipeline_.config_.decoding_max <= 0) return;
    std::unique_lock lock(pipeline_.mutex_);
    // It waits for us, not for its storage.
    while (!pipeline_.decoded_.wait_for(lock, std::chrono::seconds(1),
                                        [this] { return pipeline_.may_decode_ > 0; }))
      pipeline_.slots_[slot_].work.since = Clock::now();
    --pipeline_.may_decode_;
    has_it_ = true;
  }

 private:
  Pipeline& pipeline_;
  std::size_t slot_;
  bool has_it_ = false;
};

void Pipeline::decode_loop(std::size_t slot) {
  if (config_.decode_niceness > 0) {
    const auto self = static_cast<id_t>(gettid());  // on Linux niceness is a thread's own
    setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + config_.decode_niceness);
  }
  FileBuffer buffer;
  Lock lock(mutex_);
  while (std::optional<Job> job = next_job(slot, lock)) {
    lock.unlock();
    LoadOutcome outcome = load(slot, *job, buffer);
    lock.lock();
    slots_[slot].work.jobs.clear();
    if (slots_[slot].left_behind) return;  // another thread has this one's place
    put_away(std::move(*job), std::move(outcome), lock);
  }
}

std::optional<Job> Pipeline::next_job(std::size_t slot, Lock& lock) {
  to_decode_.wait(lock, [&] { return stopping_ || !queued_.empty(); });
  if (stopping_) return std::nullopt;
  Job job = std::move(queued_.front());
  queued_.pop_front();
  ++decoding_;
  slots_[slot].work = InWork{Stage::reading, Clock::now(), {job}, slot};
  return job;
}

LoadOutcome Pipeline::load(std::size_t slot, const Job& job, FileBuffer& buffer) {
  WorkMark mark(*this, slot);
  buffer.report_progress_to([&mark] { mark.gets_on(); });
  DecodeTurn turn(*this, slot);
  LoadOutcome outcome = loader_(job, buffer, [&mark, &turn] {
    turn.begin();
    mark.enter(Stage::decoding);
  });
  buffer.report_progress_to({});
  return outcome;
}

/// With the lock, which it gives up where something leaves the pipeline.
void Pipeline::put_away(Job job, LoadOutcome outcome, Lock& lock) {
  std::optional<Faulted> faulted;
  if (auto* fault = std::get_if<Fault>(&outcome)) {
    faulted = Faulted{std::move(job), std::move(*fault)};
  } else if (auto* failed = std::get_if<LoadFailed>(&outcome)) {
    Result result = result_of(job, std::move(*failed));
    finished_.push_back(Finished{std::move(job), std::move(result)});
  } else if (auto* copied = std::get_if<CopiedPhoto>(&outcome)) {
    Result result = result_of(job, std::move(*copied));
    finished_.push_back(Finished{std::move(job), std::move(result)});
  } else if (auto& photo = std::get<LoadedPhoto>(outcome); photo.network_input) {
    put_ready(std::move(job), std::move(photo), lock);
  } else {
    Result result = begin_result(job, photo);
    result.outcome = Blurred{};
    finished_.push_back(Finished{std::move(job), std::move(result), photo.blur_us});
  }
  if (faulted) {
    lock.unlock();
    events_.faulted(std::move(*faulted));
    lock.lock();
  }
  if (finished_.size() >= kGroup || queued_.empty()) let_out_group(lock);
  --decoding_;  // now: what it had is where it goes
  tell_devices();
}

void Pipeline::put_ready(Job job, LoadedPhoto photo, Lock& lock) {
  if (!draining_) {
    ready_.push_back(Ready{std::move(job), std::move(photo)});
    to_caption_.notify_one();
    return;
  }
  lock.unlock();
  events_.returned(std::move(job));
  lock.lock();
}

void Pipeline::let_out_group(Lock& lock) {
  if (finished_.empty()) return;
  std::vector<Finished> group = std::exchange(finished_, {});
  lock.unlock();
  events_.finished(std::move(group));
  lock.lock();
}

void Pipeline::let_out() {
  Lock lock(mutex_);
  let_out_group(lock);
}

/// That a batch is full, or that nothing more can come to fill it.
void Pipeline::tell_devices() {
  if (ready_.empty()) return;
  const bool last = queued_.empty() && decoding_ == 0;
  if (last || ready_.size() >= config_.batch_max) filled_.notify_all();
}

}  // namespace photoscribe
