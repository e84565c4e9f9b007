// commit_bench: photos from the manifest through Redis and a worker to their committed row.
//
//   commit_bench enqueue REDIS_URL PHOTOS [BATCH]
//   commit_bench done    REDIS_URL PHOTOS [BATCH]
//   commit_bench paced   REDIS_URL PHOTOS PHOTOS_PER_S [BATCH]
//
// All real but the photos: SQLite, the scheduler, and a worker's consumer with its pipeline, whose
// loader reads nothing and whose network says the same of every photo. `enqueue`: the queue's own
// call alone, from tasks in memory. `done`: from the first task to the last committed row.
// `paced`: photos are fed at that rate, and each one's time is taken from its entry in Redis (the
// server's clock, this machine's) until another connection sees its row. Prints one JSON object;
// ops/bench/queue calls it and starts the servers.
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/redis/identity.h"
#include "common/sqlite/database.h"
#include "scheduler/queue/scheduler.h"
#include "tests/support/blur_scores.h"
#include "tests/support/run_coroutine.h"
#include "tests/support/temp_dir.h"
#include "worker/queue/consumer.h"

namespace photoscribe {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

const std::string kModel(64, 'a');
constexpr int kSidePx = 8;

template <class T>
T need(Expected<T> value) {
  if (!value) {
    std::fprintf(stderr, "commit_bench: %s\n", value.error().message.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*value);
}

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::int64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

std::string path_of(std::int64_t number) {
  return "2019/08/holiday/IMG_" + std::to_string(100'000 + number) + ".jpg";
}

class EmptyNetwork : public Captioner {
 public:
  int input_side_px() const override { return kSidePx; }
  Expected<std::vector<Caption>> caption(std::span<const DecodedImage* const> batch) override {
    Caption caption;
    caption.text = "a brown dog runs through the tall grass with a ball in its mouth";
    caption.log_prob = -9.5;
    caption.tokens = 14;
    return std::vector<Caption>(batch.size(), caption);
  }
};

/// A worker on threads of this process.
class Worker {
 public:
  Worker(const std::string& url, const std::string& folder, std::size_t batch, std::size_t photos)
      : enqueued_ms_(photos + 1) {
    roots_.emplace("photos", need(PhotoRoot::open("photos", folder)));
    ConsumerConfig config;
    config.endpoint = need(redis::parse_endpoint(url));
    config.name = redis::new_consumer_name("bench");
    config.model_hash = kModel;
    config.devices = {"cpu"};
    PipelineConfig pipeline;
    pipeline.batch_max = batch;
    const CaptionerFactory factory = [](const std::string&, const SearchSettings&) {
      return Expected<std::unique_ptr<Captioner>>(std::make_unique<EmptyNetwork>());
    };
    const Loader loader = [this](const Job& job, FileBuffer&, const OnDecode& on_decode) {
      on_decode();
      return load(job);
    };
    consumer_ = std::make_unique<Consumer>(config, roots_, pipeline, factory, loader);
    ending_ = std::async(std::launch::async, [this] { return consumer_->run(); });
  }
  ~Worker() {
    consumer_->request_stop(std::chrono::seconds(5));
    ending_.wait();
  }

  /// By image: when its task came into Redis. Once the run is over.
  [[nodiscard]] const std::vector<std::int64_t>& enqueued_ms() const { return enqueued_ms_; }

 private:
  LoadOutcome load(const Job& job) {
    enqueued_ms_.at(static_cast<std::size_t>(job.task.image_id)) =
        static_cast<std::int64_t>(job.entry.ms);
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
  test::TempDir folder;
  Store store = need(Store::open_writer(folder.file("archive.db")));
  RunId run = 0;
  std::vector<Root> roots = std::vector<Root>(1);

  explicit Archive(std::int64_t photos) {
    RunSettings settings;
    settings.model_hash = kModel;
    run = need(store.ensure_run("bench", settings)).run.id;
    roots[0].name = "photos";
    roots[0].folder = folder.path().string();
    Scan scan = need(store.begin_scan(run, roots));
    for (std::int64_t at = 0; at < photos;) {
      std::vector<FoundFile> files;
      for (; at < photos && files.size() < 10'000; ++at) {
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
  }
};

/// Sees rows as they are committed, over a connection of its own, every two milliseconds.
class RowWatch {
 public:
  RowWatch(const std::string& database, std::size_t photos)
      : database_(database), committed_ms_(photos + 1) {}
  void start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }
  void stop() {
    thread_.request_stop();
    thread_.join();
  }
  [[nodiscard]] const std::vector<std::int64_t>& committed_ms() const { return committed_ms_; }

 private:
  void watch(const std::stop_token& stop) {
    SQLite::Database reader(database_, SQLite::OPEN_READONLY);
    SQLite::Statement rows(reader, "SELECT result_id, image_id FROM result WHERE result_id > ?");
    std::int64_t last = 0;
    for (bool ending = false; !ending;) {
      ending = stop.stop_requested();
      rows.bind(1, last);
      while (rows.executeStep()) {
        last = rows.getColumn(0).getInt64();
        committed_ms_.at(static_cast<std::size_t>(rows.getColumn(1).getInt64())) = unix_ms();
      }
      rows.reset();
      std::this_thread::sleep_for(milliseconds(2));
    }
  }
  std::string database_;
  std::vector<std::int64_t> committed_ms_;
  std::jthread thread_;
};

struct Drained {
  double seconds = 0, cpu_seconds = 0;
};

/// Runs the scheduler until every photo has its row. The clock starts when the worker has joined.
Drained drain(Archive& archive, const std::string& url, double rate_per_s) {
  asio::io_context io{1};
  StoreThread thread(archive.store);
  const RunRow row = need(archive.store.run(archive.run));
  SchedulerSettings settings = scheduler_settings_of(row, archive.roots, LeaseSettings(), 0);
  settings.endpoint = need(redis::parse_endpoint(url));
  settings.rate_per_s = rate_per_s;
  Scheduler scheduler(io, thread, settings,
                      [](const Event& e) { std::fprintf(stderr, "%s\n", e.text.c_str()); });
  scheduler.pause();
  Clock::time_point begun;
  double cpu = 0;
  asio::steady_timer joined(io, std::chrono::milliseconds(2'500));  // workers list runs each second
  joined.async_wait([&](const boost::system::error_code&) {
    begun = Clock::now();
    cpu = cpu_seconds();
    scheduler.resume();
  });
  if (need(test::run(io, scheduler.run())) != SchedulerEnd::complete) std::exit(1);
  return {seconds_since(begun), cpu_seconds() - cpu};
}

void print_latencies(std::vector<std::int64_t> ms) {
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double share) {
    return static_cast<long long>(ms[static_cast<std::size_t>(share * (std::ssize(ms) - 1.0))]);
  };
  std::printf(R"(, "p50_ms": %lld, "p99_ms": %lld, "max_ms": %lld)", at(0.5), at(0.99), at(1));
}

void measure_done(const std::string& url, std::int64_t photos, double rate_per_s,
                  std::size_t batch) {
  Archive archive(photos);
  const auto places = static_cast<std::size_t>(photos);
  Worker worker(url, archive.folder.path().string(), batch, places);
  RowWatch watch(archive.folder.file("archive.db"), places);
  if (rate_per_s > 0) watch.start();
  const Drained drained = drain(archive, url, rate_per_s);
  std::printf(R"({"photos": %lld, "seconds": %.4f, "per_s": %.1f, "cpu_us": %.2f)",
              static_cast<long long>(photos), drained.seconds,
              static_cast<double>(photos) / drained.seconds,
              drained.cpu_seconds * 1e6 / static_cast<double>(photos));
  if (rate_per_s > 0) {
    watch.stop();
    std::vector<std::int64_t> ms;
    for (std::size_t image = 1; image <= places; ++image)
      ms.push_back(watch.committed_ms()[image] - worker.enqueued_ms()[image]);
    print_latencies(std::move(ms));
  }
  std::puts("}");
}

void measure_enqueue(const std::string& url, std::int64_t photos) {
  asio::io_context io{1};
  redis::Connection connection(io.get_executor(), need(redis::parse_endpoint(url)));
  redis::SchedulerQueue queue(connection);
  need(test::run(io, connection.connect()));
  redis::RunListing listing;
  listing.incarnation = redis::new_incarnation();
  listing.name = "bench";
  need(test::run(io, queue.make_run(listing, RunSpec(), 1)));
  std::vector<Task> tasks(static_cast<std::size_t>(photos));
  for (std::int64_t i = 0; i < photos; ++i) {
    Task& task = tasks[static_cast<std::size_t>(i)];
    task.image_id = i + 1;
    task.root = "photos";
    task.path = path_of(i);
  }
  const auto begun = Clock::now();
  const double cpu = cpu_seconds();
  need(test::run(io, queue.enqueue(listing.incarnation, 1, std::move(tasks))));
  const double seconds = seconds_since(begun);
  std::printf(R"({"photos": %lld, "seconds": %.4f, "per_s": %.1f, "cpu_us": %.2f})"
              "\n",
              static_cast<long long>(photos), seconds, static_cast<double>(photos) / seconds,
              (cpu_seconds() - cpu) * 1e6 / static_cast<double>(photos));
  need(test::run(io, queue.delete_runs({listing.incarnation})));
}

}  // namespace
}  // namespace photoscribe

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const auto number = [&](int at, long long standard) {
    return argc > at ? std::atoll(argv[at]) : standard;
  };
  const bool paced = what == "paced";
  if (argc < 4 || number(3, 0) <= 0 || (paced && number(4, 0) <= 0) ||
      (!paced && what != "enqueue" && what != "done")) {
    std::fprintf(stderr,
                 "commit_bench enqueue|done REDIS_URL PHOTOS [BATCH]\n"
                 "commit_bench paced REDIS_URL PHOTOS PHOTOS_PER_S [BATCH]\n");
    return 2;
  }
  if (what == "enqueue") {
    photoscribe::measure_enqueue(argv[2], number(3, 0));
  } else {
    const double rate = paced ? static_cast<double>(number(4, 0)) : 0;
    photoscribe::measure_done(argv[2], number(3, 0), rate,
                              static_cast<std::size_t>(number(paced ? 5 : 4, 64)));
  }
  return 0;
}
