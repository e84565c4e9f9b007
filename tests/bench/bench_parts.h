// bench_parts: a manifest of photos that nobody made, and workers that read nothing and whose
// network is empty, for benchmarks of the queue. All else of them is the product's.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/redis/identity.h"
#include "scheduler/store/store.h"
#include "tests/support/blur_scores.h"
#include "worker/queue/consumer.h"

namespace photoscribe::bench {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

inline const std::string kModel(64, 'a');
constexpr int kSidePx = 8;

template <class T>
T need(Expected<T> value) {
  if (!value) {
    std::fprintf(stderr, "commit_bench: %s\n", value.error().message.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*value);
}

inline double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

inline double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

inline std::int64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

inline std::string path_of(std::int64_t number) {
  return "2019/08/holiday/IMG_" + std::to_string(100'000 + number) + ".jpg";
}

/// Says the same of every photo, after a while.
class EmptyNetwork : public Captioner {
 public:
  explicit EmptyNetwork(std::chrono::duration<double> each) : each_(each) {}
  int input_side_px() const override { return kSidePx; }
  Expected<std::vector<Caption>> caption(std::span<const DecodedImage* const> batch) override {
    Caption caption;
    caption.text = "a brown dog runs through the tall grass with a ball in its mouth";
    caption.log_prob = -9.5;
    caption.tokens = 14;
    if (each_.count() > 0) std::this_thread::sleep_for(each_ * static_cast<double>(batch.size()));
    return std::vector<Caption>(batch.size(), caption);
  }

 private:
  std::chrono::duration<double> each_;
};

struct WorkerShape {
  std::size_t batch = 64;
  int decode_threads = 2;
  std::chrono::duration<double> each{0};  // of the network, a photo
};

/// A worker on threads of this process.
class Worker {
 public:
  /// `photos`: of how many enqueued_ms() is to know.
  Worker(const std::string& url, const std::string& folder, const WorkerShape& shape,
         std::size_t photos)
      : enqueued_ms_(photos + 1) {
    roots_.emplace("photos", need(PhotoRoot::open("photos", folder)));
    ConsumerConfig config;
    config.endpoint = need(redis::parse_endpoint(url));
    config.name = redis::new_consumer_name("bench");
    config.model_hash = kModel;
    config.devices = {"cpu"};
    PipelineConfig pipeline;
    pipeline.batch_max = shape.batch;
    pipeline.decode_threads = shape.decode_threads;
    const CaptionerFactory factory = [each = shape.each](const std::string&,
                                                         const SearchSettings&) {
      return Expected<std::unique_ptr<Captioner>>(std::make_unique<EmptyNetwork>(each));
    };
    const Loader loader = [this](const Job& job, FileBuffer&, const OnDecode& on_decode) {
      on_decode();
      return load(job);
    };
    consumer_ = std::make_unique<Consumer>(config, roots_, pipeline, factory, loader);
    ending_ = std::async(std::launch::async, [this] { return consumer_->run(); });
  }
  ~Worker() {
    stop();
    ending_.wait();
  }
  /// Asks it to end.
  void stop() { consumer_->request_stop(std::chrono::seconds(5)); }

  /// By image: when its task came into Redis. Once the run is over.
  [[nodiscard]] const std::vector<std::int64_t>& enqueued_ms() const { return enqueued_ms_; }

 private:
  LoadOutcome load(const Job& job) {
    const auto image = static_cast<std::size_t>(job.task.image_id);
    if (image < enqueued_ms_.size()) enqueued_ms_[image] = static_cast<std::int64_t>(job.entry.ms);
    LoadedPhoto photo;
    photo.blur_scores = test::every_mode(512.25);
    photo.width_px = photo.height_px = kSidePx;
    photo.network_input = DecodedImage{kSidePx, kSidePx, 3, {}};
    photo.network_input->pixels.resize(kSidePx * kSidePx * 3);
    return photo;
  }

  Roots roots_;
  std::vector<std::int64_t> enqueued_ms_;  // each written once, by the thread that loads it
  std::unique_ptr<Consumer> consumer_;
  std::future<Ending> ending_;
};

/// A database with one run of photos that nobody made.
struct Archive {
  std::filesystem::path folder;
  Store store = need(Store::open_writer(database()));
  RunId run = 0;
  std::vector<Root> roots = std::vector<Root>(1);
  double import_seconds = 0;

  Archive(std::filesystem::path in, std::int64_t photos) : folder(std::move(in)) {
    RunSettings settings;
    settings.model_hash = kModel;
    run = need(store.ensure_run("bench", settings)).run.id;
    roots[0].name = "photos";
    roots[0].folder = folder.string();
    const auto begun = Clock::now();
    Scan scan = need(store.begin_scan(run, roots));
    for (std::int64_t at = 0; at < photos;) {
      std::vector<FoundFile> files;
      for (; at < photos && files.size() < 5'000; ++at) {
        FoundFile file;
        file.path = path_of(at);
        file.size_bytes = 1'000'000 + at;
        file.mtime_ns = 5;
        file.inode = at;
        files.push_back(std::move(file));
      }
      need(scan.add(files));
    }
    need(scan.finish({}, {}));
    import_seconds = seconds_since(begun);
  }
  [[nodiscard]] std::string database() const { return (folder / "archive.db").string(); }
};

}  // namespace photoscribe::bench
