// The pipeline's first stage: photos are read and decoded, and those that need no device leave.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "worker/pipeline/pipeline.h"

namespace photoscribe {
namespace {

using Clock = std::chrono::steady_clock;

/// Results that leave together. Each group wakes the consumer, which costs about 20 us of two
/// threads.
constexpr std::size_t kGroup = 32;

/// Photos that a thread puts aside: twice what SeenPhotos asks for at a time, so that the answers
/// to half of them come while the other half is decoded; and bytes of their files.
constexpr std::size_t kAsideMax = 16, kAsideBytes = std::size_t{16} << 20;

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

/// Buffers of a thread that nothing is in: fresh large allocations page-fault.
class Pipeline::SpareBuffers {
 public:
  [[nodiscard]] std::unique_ptr<FileBuffer> take() {
    if (spare_.empty()) return std::make_unique<FileBuffer>();
    std::unique_ptr<FileBuffer> one = std::move(spare_.back());
    spare_.pop_back();
    bytes_ -= one->capacity();
    return one;
  }
  void keep(std::unique_ptr<FileBuffer> one) {
    if (!spare_.empty() && bytes_ + one->capacity() > kAsideBytes) return;
    bytes_ += one->capacity();
    spare_.push_back(std::move(one));
  }

 private:
  std::vector<std::unique_ptr<FileBuffer>> spare_;
  std::size_t bytes_ = 0;
};

void Pipeline::decode_loop(std::size_t slot) {
  if (config_.decode_niceness > 0) {
    const auto self = static_cast<id_t>(gettid());  // on Linux niceness is a thread's own
    setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + config_.decode_niceness);
  }
  SpareBuffers buffers;
  Lock lock(mutex_);
  Slot& own = slots_[slot];
  for (bool has_its_place = true; has_its_place;) {
    to_decode_.wait(lock, [&] { return stopping_ || !queued_.empty() || !own.aside.empty(); });
    if (stopping_) return;
    has_its_place = reads_next(own) ? read_one(slot, buffers, lock)  //
                                    : go_on_with_one(slot, buffers, lock);
  }
}

/// Whether the thread reads another photo before it goes on with one that it has put aside. The
/// other threads find one each.
bool Pipeline::reads_next(const Slot& slot) const {
  if (slot.aside.empty()) return true;
  std::size_t bytes = 0;
  for (const Aside& one : slot.aside) bytes += one.buffer->capacity();
  return config_.decoding_max <= 0 && slot.aside.size() < kAsideMax && bytes < kAsideBytes &&
         queued_.size() >= static_cast<std::size_t>(std::max(1, config_.decode_threads));
}

/// False: the thread has lost its place meanwhile.
bool Pipeline::read_one(std::size_t slot, SpareBuffers& buffers, Lock& lock) {
  Job job = std::move(queued_.front());
  queued_.pop_front();
  ++decoding_;
  slots_[slot].work = InWork{Stage::reading, Clock::now(), {job}, slot};
  lock.unlock();
  std::unique_ptr<FileBuffer> buffer = buffers.take();
  LoadStep step = begin(slot, job, *buffer);
  lock.lock();
  slots_[slot].work.jobs.clear();
  if (slots_[slot].left_behind) return false;
  if (auto* rest = std::get_if<Unanswered>(&step)) {
    slots_[slot].aside.push_back({std::move(job), std::move(*rest), std::move(buffer)});
    ++aside_;
    return true;
  }
  buffers.keep(std::move(buffer));
  put_away(std::move(job), std::get<LoadOutcome>(std::move(step)), lock);
  return true;
}

/// As read_one().
bool Pipeline::go_on_with_one(std::size_t slot, SpareBuffers& buffers, Lock& lock) {
  Aside one = std::move(slots_[slot].aside.front());
  slots_[slot].aside.pop_front();
  --aside_;
  slots_[slot].work = InWork{Stage::decoding, Clock::now(), {one.job}, slot};
  lock.unlock();
  LoadOutcome outcome = go_on(slot, one.rest);
  one.rest = Unanswered();
  lock.lock();
  slots_[slot].work.jobs.clear();
  buffers.keep(std::move(one.buffer));
  put_away(std::move(one.job), std::move(outcome), lock);
  return true;
}

LoadStep Pipeline::begin(std::size_t slot, const Job& job, FileBuffer& buffer) {
  WorkMark mark(*this, slot);
  buffer.report_progress_to([&mark] { mark.gets_on(); });
  DecodeTurn turn(*this, slot);
  LoadStep step = loader_(job, buffer, [&mark, &turn] {
    turn.begin();
    mark.enter(Stage::decoding);
  });
  buffer.report_progress_to({});
  return step;
}

LoadOutcome Pipeline::go_on(std::size_t slot, const Unanswered& rest) {
  WorkMark mark(*this, slot);
  DecodeTurn turn(*this, slot);
  return rest.go_on([&mark, &turn] {
    turn.begin();
    mark.enter(Stage::decoding);
  });
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
  const bool nothing_waits = queued_.empty() && aside_ == 0;
  if (finished_.size() >= kGroup || nothing_waits) let_out_group(lock);
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
