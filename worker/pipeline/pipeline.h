// pipeline: the threads of a worker. Jobs go in; results, faults and returned jobs come out.
//
//   submit -> [queue] -> decode threads -> [queue] -> one thread per device -> events
//
// A decode thread takes the lock once a photo, between two of them, and wakes another thread only
// where that has something to do: results of photos that need no device come out in groups, at
// once when nothing else is left to decode. The others come out with their batch. A photo whose
// loader has asked something is put aside, and the thread reads others until the answer is needed.
// While reads wait for their storage, more threads read ahead; they decode in turn with the others.
//
// Memory is bounded by jobs_max(): the caller counts what has not come out yet, so no queue in here
// can grow past it. Blurred and failed photos leave after decoding and never reach a device, nor do
// clear ones that look like a captioned one, if the run asks for that. Knows nothing of
// Redis; the clock of its watchdog is the caller's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/core/error.h"
#include "models/captioner.h"
#include "worker/photo/job.h"
#include "worker/photo/load_task.h"
#include "worker/pipeline/near_duplicates.h"
#include "worker/pipeline/read_waits.h"

namespace photoscribe {

class BatchCaptioner;

struct PipelineConfig {
  std::vector<std::string> devices{"cpu"};  // one thread and one captioner each
  int decode_threads = 2;                   // they read, too
  int decoding_max = 0;                     // of them at a time, where reads wait long; 0: all
  int read_ahead = 0;                       // threads more, while reads of files wait
  int decode_niceness = 0;                  // added to the decode threads' own, 0 to 19
  std::size_t batch_max = 16;               // images sent to a device at once
  std::chrono::milliseconds linger{20};     // a batch waits this long to fill while decoders work
  SearchSettings search;                    // opened at the start; others when a run asks for them
};

/// Opens the model on a device; called on that device's own thread.
using CaptionerFactory = std::function<Expected<std::unique_ptr<Captioner>>(
    const std::string& device, const SearchSettings& search)>;
/// begin_load with roots and side bound; a test may put another in its place.
using Loader = std::function<LoadStep(const Job&, FileBuffer&, const OnDecode&)>;

/// Called on the pipeline's own threads, never with its lock held.
struct PipelineEvents {
  std::function<void(std::vector<Finished>)> finished;
  std::function<void(Faulted)> faulted;  // not the photo's fault: the task must go back
  std::function<void(Job)> returned;     // draining: decoded, but never sent to a device
  /// A model is open there; "float32" or the like.
  std::function<void(const std::string& device, const std::string& precision)> model_open;
  std::function<void(std::size_t photos)> batch;  // went through the network
  /// The device's thread has ended. What it had in work gets no result and is nobody's fault yet.
  std::function<void(std::string device, Error why, std::vector<Job> in_work)> device_lost;
};

enum class Stage { reading, decoding, captioning };
/// What one thread is working on, and since when.
struct InWork {
  Stage stage = Stage::reading;
  std::chrono::steady_clock::time_point since;
  std::vector<Job> jobs;  // one; a batch when captioning
  std::size_t slot = 0;   // of the thread, for leave_behind()
};

class Pipeline {
 public:
  Pipeline(PipelineConfig config, CaptionerFactory factory, Loader loader, PipelineEvents events);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  /// Waits for the photos and batches in work; queued jobs are dropped.
  ~Pipeline();

  /// Blocks until every device has its model. Fails as open_captioner does.
  [[nodiscard]] Status wait_ready();

  /// Jobs that may be inside at once: enough that neither decoders nor devices starve.
  [[nodiscard]] std::size_t jobs_max() const noexcept;
  void submit(std::vector<Job> jobs);

  /// Takes out queued jobs, decoded or not, for which `wanted` is true. What a thread is working on
  /// stays.
  [[nodiscard]] std::vector<Job> take_back(const std::function<bool(const Job&)>& wanted);

  /// From now on clear photos come back by `returned` and no batch is started. Returns what is
  /// queued.
  [[nodiscard]] std::vector<Job> drain();

  /// What every busy thread is working on.
  [[nodiscard]] std::vector<InWork> in_work() const;

  /// Gives up a read that hangs with its storage: the job will not come out, and a new thread takes
  /// the place of the one that hangs, which ends when its read does. False when there is nothing to
  /// give up: the read has ended meanwhile, and the job comes out as usual.
  [[nodiscard]] bool leave_behind(const InWork& reading);

  /// Lets results out that wait for others to make up a group: while all threads are busy with
  /// photos that take long.
  void let_out();

 private:
  struct Ready {
    Job job;
    LoadedPhoto photo;
  };
  struct OpenModel {
    SearchSettings search;
    std::unique_ptr<Captioner> captioner;
    std::unique_ptr<BatchCaptioner> batches;
  };
  class SpareBuffers;
  /// Read, and put aside until it is answered.
  struct Aside {
    Job job;
    Unanswered rest;
    std::unique_ptr<FileBuffer> buffer;
  };
  struct Slot {
    InWork work;               // no jobs: at rest
    std::deque<Aside> aside;   // the thread's own; but for it, others only take them out
    bool reads_ahead = false;  // of config_.read_ahead
    bool decodes = false;      // has one of decoding_max_
    bool left_behind = false;
  };
  /// A photo in a device's hands, of a run that shares captions between photos that look alike.
  struct InNetwork {
    std::size_t slot = 0;
    std::shared_ptr<const RunContext> run;
    std::uint64_t hash = 0;  // perceptual
  };

  using Lock = std::unique_lock<std::mutex>;

  // pipeline_decode.cpp
  void decode_loop(std::size_t slot);
  [[nodiscard]] bool may_read(const Slot& slot) const;
  [[nodiscard]] bool reads_next(const Slot& slot) const;
  [[nodiscard]] bool read_one(std::size_t slot, SpareBuffers& buffers, Lock& lock);
  [[nodiscard]] bool go_on_with_one(std::size_t slot, SpareBuffers& buffers, Lock& lock);
  [[nodiscard]] LoadStep begin(std::size_t slot, const Job& job, FileBuffer& buffer, bool& waited);
  void note_read(const Job& job, bool waited);
  void begin_decoding(std::size_t slot);
  void end_decoding(std::size_t slot);
  void put_away(Job job, LoadOutcome outcome, Lock& lock);
  void put_ready(Job job, LoadedPhoto photo, Lock& lock);
  void let_out_group(Lock& lock);
  void tell_devices();

  void device_loop(std::size_t slot, const std::string& device);
  [[nodiscard]] Expected<BatchCaptioner*> model_for(const std::string& device,
                                                    const SearchSettings& search,
                                                    std::vector<OpenModel>& models);
  [[nodiscard]] std::vector<Ready> next_batch(std::size_t slot, std::size_t size_max);
  [[nodiscard]] std::vector<Ready> take_ready(std::size_t size_max);
  [[nodiscard]] bool waits_for_another(const Ready& item) const;
  void enter_network(std::size_t slot, std::vector<Job> jobs);
  void leave_network(std::size_t slot);

  // pipeline_caption.cpp
  struct Follower;
  [[nodiscard]] Status caption(BatchCaptioner& model, std::vector<Ready> batch);
  [[nodiscard]] std::vector<Follower> split_off_doubles(std::vector<Ready>& batch,
                                                        std::vector<Finished>& finished);
  [[nodiscard]] Status run_network(BatchCaptioner& model, std::vector<Ready> batch,
                                   std::vector<Finished>& finished);
  void remember(const Ready& item, const Caption& caption);

  void report_open(const Status& status);

  const PipelineConfig config_;
  const CaptionerFactory factory_;
  const Loader loader_;
  const PipelineEvents events_;

  mutable std::mutex mutex_;
  /// Devices wait for a photo on to_caption_, and then for others to fill the batch on filled_.
  std::condition_variable to_decode_, to_read_ahead_, to_caption_, filled_, opened_, decoded_;
  std::deque<Job> queued_;
  std::deque<Ready> ready_;
  std::vector<Finished> finished_;  // of no device, on their way out
  std::vector<InNetwork> in_network_;
  std::deque<Slot> slots_;    // one per thread
  std::size_t decoding_ = 0;  // or reading, or put aside
  std::size_t aside_ = 0;     // in all slots
  int decoding_max_ = 0;      // threads that decode at a time; 0: all
  int may_decode_ = 0;        // threads more
  ReadWaits read_waits_;
  std::size_t devices_open_ = 0;
  Status open_status_;
  bool stopping_ = false, draining_ = false;

  std::mutex doubles_mutex_;
  NearDuplicates doubles_;

  std::vector<std::thread> threads_;  // last: they use everything above; the owner's alone
};

}  // namespace photoscribe
