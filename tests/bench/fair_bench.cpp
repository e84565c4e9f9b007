// fair_bench: how long a run of 100 photos takes beside a huge one, and how two runs share a
// worker.
//
//   fair_bench [photos of the huge run] [photos per second of the worker]     defaults 1000000 1000
//
// All real but the photos: SQLite, Redis, the scheduler that serves both runs, the control socket,
// and one worker's consumer, whose loader reads nothing and whose network sleeps. The small run is
// submitted while the huge one is at work.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "scheduler/run/serve.h"
#include "scheduler/run/submit.h"
#include "scheduler/store/store.h"
#include "tests/support/temp_dir.h"
#include "tests/worker/queue/consumer_fixture.h"

namespace photoscribe {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSmall = 100;

template <class T>
T need(Expected<T> value) {
  if (!value) {
    std::fprintf(stderr, "fair_bench: %s\n", value.error().message.c_str());
    std::exit(1);
  }
  return std::move(*value);
}

class Quiet : public RunObserver {
 public:
  void progress(const RunProgress& /*now*/) override {}
  void event(const Event& event) override {
    if (event.level != EventLevel::info) std::fprintf(stderr, "%s\n", event.text.c_str());
  }
};

struct Bench {
  test::TempDir folder;
  test::RedisServer server;
  Quiet observer;
  StopHandle stop;
  std::string database = folder.file("archive.db");

  RunRequest request(const std::string& run, int weight) const {
    RunRequest made;
    made.database = database;
    made.run = run;
    made.settings.model_hash = kModelHash;
    made.photos = {folder.file("photos")};
    made.schedule.weight = weight;
    return made;
  }

  /// A run of photos that nobody made.
  void fill(const std::string& run, std::int64_t photos, int weight) {
    Store store = need(Store::open_writer(database));
    const EnsuredRun ensured = need(store.ensure_run(run, request(run, weight).settings));
    (void)store.set_schedule(ensured.run.id, request(run, weight).schedule);
    std::vector<Root> roots(1);
    roots[0].name = "photos";
    roots[0].folder = folder.file("photos");
    Scan scan = need(store.begin_scan(ensured.run.id, roots));
    for (std::int64_t at = 0; at < photos;) {
      std::vector<FoundFile> files;
      for (; at < photos && files.size() < 20'000; ++at) {
        FoundFile file;
        file.path = run + "/2019/08/IMG_" + std::to_string(at) + ".jpg";
        file.size_bytes = 1'000'000 + at;
        file.mtime_ns = 5;
        file.inode = at;
        files.push_back(std::move(file));
      }
      if (!scan.add(files)) std::exit(1);
    }
    need(scan.finish({}, {}));
  }

  std::int64_t finished(const std::string& run) const {
    Store store = need(Store::open_reader(database));
    const auto row = need(store.find_run(run));
    if (!row) return 0;
    const RunCounts counts = need(store.counts(row->id));
    return counts.asked.total() - counts.asked.pending;
  }

  std::future<Expected<ServeSummary>> serve() {
    ServeRequest made;
    made.database = database;
    made.redis_url = server.url();
    return std::async(std::launch::async,
                      [this, made] { return serve_runs(made, observer, stop); });
  }

  /// Seconds from the submission of 100 photos to the last one's row.
  double small_run() {
    ControlRequest asked;
    asked.verb = ControlVerb::submit;
    asked.submission = submission_line(request("small", 1));
    const auto begun = Clock::now();
    need(ask_scheduler(database + ".state", asked, std::chrono::seconds(60)));
    while (finished("small") < kSmall) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return std::chrono::duration<double>(Clock::now() - begun).count();
  }
};

void measure(std::int64_t huge, double per_second) {
  Bench bench;
  std::filesystem::create_directory(bench.folder.file("photos"));
  for (int i = 0; i < kSmall; ++i) bench.folder.write("photos/s" + std::to_string(i) + ".jpg", "x");
  Roots roots;
  roots.emplace("photos", need(PhotoRoot::open("photos", bench.folder.file("photos"))));
  FakeDevice device;
  device.on_call = [per_second](std::size_t batch) {
    std::this_thread::sleep_for(
        std::chrono::duration<double>(static_cast<double>(batch) / per_second));
  };
  const auto begun = Clock::now();
  if (huge > 0) bench.fill("huge", huge, 1);
  if (huge > 0) bench.fill("heavy", huge, 3);
  const double filled = std::chrono::duration<double>(Clock::now() - begun).count();
  RunningWorker worker(bench.server.url(), device, clear_photo, roots, 16);
  auto serving = bench.serve();
  const auto later = [](int seconds) {
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
  };
  if (huge > 0) {
    std::printf("manifests of 2 x %lld photos: %.0f s\n", static_cast<long long>(huge), filled);
    while (bench.finished("huge") == 0) later(1);
    const std::int64_t one = bench.finished("huge"), three = bench.finished("heavy");
    later(20);
    const auto d1 = bench.finished("huge") - one, d3 = bench.finished("heavy") - three;
    std::printf("in 20 s: weight 1 %lld photos, weight 3 %lld photos (%.2f : 1)\n",
                static_cast<long long>(d1), static_cast<long long>(d3),
                static_cast<double>(d3) / static_cast<double>(std::max<std::int64_t>(1, d1)));
  } else {
    later(2);
  }
  std::printf("100 photos %s: %.2f s\n", huge > 0 ? "beside them" : "alone", bench.small_run());
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("peak memory of scheduler and consumer together: %ld MB\n", usage.ru_maxrss / 1024);
  bench.stop.request();
  need(serving.get());
}

}  // namespace
}  // namespace photoscribe

int main(int argc, char** argv) {
  const long long huge = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
  const double per_second = argc > 2 ? std::atof(argv[2]) : 1'000;
  photoscribe::measure(0, per_second);
  photoscribe::measure(huge, per_second);
  return 0;
}
