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
/// to half of them come while the other half is decoded; and bytes of their files. A thread that
/// reads ahead has a share of it: there are many.
constexpr std::size_t kAsideMax = 16, kAsideBytes = std::size_t{16} << 20, kAheadsShare = 4;

/// Of larger files reading takes long because they are large: others beside them make it longer,
/// and are large, too.
constexpr std::size_t kReadAheadBytes = std::size_t{16} << 20;

/// Reads of a thread, of which one is looked at while none waits: looking is two system calls.
constexpr unsigned kLookEvery = 8;

/// How often this thread gave up its core to wait for something: not while the page cache has what
/// it reads.
long waits_so_far() {
  rusage used{};
  getrusage(RUSAGE_THREAD, &used);
  return used.ru_nvcsw;
}

}  // namespace

/// Buffers of a thread that nothing is in, of so many bytes: fresh large allocations page-fault.
class Pipeline::SpareBuffers {
 public:
  explicit SpareBuffers(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  [[nodiscard]] bool empty() const { return spare_.empty(); }
  [[nodiscard]] std::unique_ptr<FileBuffer> take() {
    if (spare_.empty()) return std::make_unique<FileBuffer>();
    std::unique_ptr<FileBuffer> one = std::move(spare_.back());
    spare_.pop_back();
    bytes_ -= one->capacity();
    return one;
  }
  void keep(std::unique_ptr<FileBuffer> one) {
    if (!spare_.empty() && bytes_ + one->capacity() > bytes_max_) return;
    bytes_ += one->capacity();
    spare_.push_back(std::move(one));
  }

 private:
  std::vector<std::unique_ptr<FileBuffer>> spare_;
  std::size_t bytes_max_, bytes_ = 0;
};

void Pipeline::decode_loop(std::size_t slot) {
  if (config_.decode_niceness > 0) {
    const auto self = static_cast<id_t>(gettid());  // on Linux niceness is a thread's own
    setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + config_.decode_niceness);
  }
  Lock lock(mutex_);
  Slot& own = slots_[slot];
  const std::size_t bytes_max = kAsideBytes / (own.reads_ahead ? kAheadsShare : 1);
  SpareBuffers buffers(bytes_max);
  std::condition_variable& woken = own.reads_ahead ? to_read_ahead_ : to_decode_;
  for (bool has_its_place = true; has_its_place;) {
    if (own.reads_ahead && !may_read(own) && own.aside.empty() && !buffers.empty()) {
      const SpareBuffers freed = std::exchange(buffers, SpareBuffers(bytes_max));
      lock.unlock();
    }
    if (!lock.owns_lock()) lock.lock();
    woken.wait(lock, [&] { return stopping_ || may_read(own) || !own.aside.empty(); });
    if (stopping_) return;
    has_its_place = reads_next(own) ? read_one(slot, buffers, lock)  //
                                    : go_on_with_one(slot, buffers, lock);
  }
}

bool Pipeline::may_read(const Slot& slot) const {
  return !queued_.empty() && (!slot.reads_ahead || read_waits_.often());
}

/// Whether the thread reads another photo before it goes on with one that it has put aside. The
/// other threads find one each.
bool Pipeline::reads_next(const Slot& slot) const {
  if (slot.aside.empty()) return true;
  std::size_t bytes = 0;
  for (const Aside& one : slot.aside) bytes += one.buffer->capacity();
  const std::size_t share = slot.reads_ahead ? kAheadsShare : 1;
  return config_.decoding_max <= 0 && slot.aside.size() < kAsideMax / share &&
         bytes < kAsideBytes / share && may_read(slot) &&
         queued_.size() >= static_cast<std::size_t>(std::max(1, config_.decode_threads));
}

/// False: the thread has lost its place meanwhile.
bool Pipeline::read_one(std::size_t slot, SpareBuffers& buffers, Lock& lock) {
  Job job = std::move(queued_.front());
  queued_.pop_front();
  ++decoding_;
  slots_[slot].work = InWork{Stage::reading, Clock::now(), {job}, slot};
  thread_local unsigned reads = 0;
  const bool looks = read_waits_.often() || reads++ % kLookEvery == 0;
  lock.unlock();
  std::unique_ptr<FileBuffer> buffer = buffers.take();
  bool waited = looks;
  LoadStep step = begin(slot, job, *buffer, waited);
  lock.lock();
  slots_[slot].work.jobs.clear();
  end_decoding(slot);
  if (slots_[slot].left_behind) return false;
  if (looks) note_read(job, waited && buffer->size() <= kReadAheadBytes);
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
  LoadOutcome outcome = one.rest.go_on([this, slot] { begin_decoding(slot); });
  one.rest = Unanswered();
  lock.lock();
  slots_[slot].work.jobs.clear();
  end_decoding(slot);
  buffers.keep(std::move(one.buffer));
  put_away(std::move(one.job), std::move(outcome), lock);
  return true;
}

/// `waited`: in, whether to look; out, whether the read waited for its storage.
LoadStep Pipeline::begin(std::size_t slot, const Job& job, FileBuffer& buffer, bool& waited) {
  // It gets on, although it takes long: its time begins anew.
  buffer.report_progress_to([this, slot] {
    const std::lock_guard lock(mutex_);
    slots_[slot].work.since = Clock::now();
  });
  bool looks = waited;
  const long before = looks ? waits_so_far() : 0;
  const auto look = [&] {
    if (std::exchange(looks, false)) waited = waits_so_far() != before;
  };
  LoadStep step = loader_(job, buffer, [&] {
    look();
    begin_decoding(slot);
  });
  look();
  buffer.report_progress_to({});
  return step;
}

void Pipeline::note_read(const Job& job, bool waited) {
  if (job.task.member) return;  // threads wait for each other where an archive is unpacked
  read_waits_.note(waited);
  if (read_waits_.often() && !queued_.empty()) to_read_ahead_.notify_all();
}

/// Waits for the thread's turn: of photos that were read at the same time, so many are decoded.
void Pipeline::begin_decoding(std::size_t slot) {
  Lock lock(mutex_);
  Slot& own = slots_[slot];
  own.work.stage = Stage::decoding;  // its storage has answered: what it waits for is us
  own.work.since = Clock::now();
  if (decoding_max_ <= 0 || own.decodes) return;
  while (!decoded_.wait_for(lock, std::chrono::seconds(1), [this] { return may_decode_ > 0; }))
    own.work.since = Clock::now();
  --may_decode_;
  own.decodes = true;
  own.work.since = Clock::now();
}

/// With the lock.
void Pipeline::end_decoding(std::size_t slot) {
  if (!std::exchange(slots_[slot].decodes, false)) return;
  ++may_decode_;
  decoded_.notify_one();
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
