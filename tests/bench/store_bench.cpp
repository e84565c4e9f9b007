// How fast the store is at the size of a real archive: import, a second scan, feeding and
// recording.
//
//   cmake --build build/release --target store_bench && build/release/tests/store_bench [FOLDER
//   [IMAGES]]
//
// FOLDER (default: the system's temporary folder) decides whose disk is measured; a database is
// made in it and removed. Prints one line per step.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "scheduler/store/store.h"
#include "tests/support/blur_scores.h"
#include "tests/support/must.h"

namespace {

using namespace photoscribe;
using test::must;
using Clock = std::chrono::steady_clock;

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Wall time counts on an idle machine; on a busy one, CPU time says what the store itself needs.
template <class Step>
void measure(const char* name, Step&& step) {
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  const auto start = Clock::now();
  const auto rows = static_cast<double>(step());
  const double wall = std::chrono::duration<double>(Clock::now() - start).count();
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  const double cpu = cpu_seconds(after) - cpu_seconds(before);
  std::printf(
      "%-34s %9.0f rows  wall %7.3f s %9.0f rows/s  CPU %7.3f s %9.0f rows/s  peak %ld MiB\n", name,
      rows, wall, rows / wall, cpu, cpu > 0 ? rows / cpu : 0.0, after.ru_maxrss / 1024);
  std::fflush(stdout);
}

/// Names as archives have them: folders by day, a few hundred photos each.
std::vector<FoundFile> files(std::int64_t first, std::int64_t count) {
  std::vector<FoundFile> found(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t number = first + i;
    char path[64];
    std::snprintf(path, sizeof path, "%06lld/IMG_%09lld.jpg", static_cast<long long>(number / 300),
                  static_cast<long long>(number));
    FoundFile& file = found[static_cast<std::size_t>(i)];
    file.path = path;
    file.size_bytes = 3'000'000 + number;
    file.mtime_ns = 1'600'000'000'000'000'000 + number;
    file.inode = 1'000'000 + number;
  }
  return found;
}

std::int64_t scan(Store& store, RunId run, std::int64_t images) {
  Scan pass = must(store.begin_scan(run, {{"photos", "/archive/photos"}}));
  constexpr std::int64_t kBatch = 10'000;
  for (std::int64_t first = 0; first < images; first += kBatch) {
    must(pass.add(files(first, std::min(kBatch, images - first))));
  }
  const Scan::Walked walked[] = {{0, "", false}};
  must(pass.finish(walked, {}));
  return images;
}

std::int64_t feed_and_record(Store& store, RunId run, std::int64_t images, std::size_t batch) {
  std::int64_t recorded = 0;
  while (recorded < images) {
    const auto tasks = must(store.take_tasks(run, batch));
    if (tasks.empty()) break;
    Incoming incoming;
    incoming.batches.push_back({"host:1:abc", {}});
    for (const Task& task : tasks) {
      Result result;
      result.image_id = task.image_id;
      result.attempt = task.attempt;
      Captioned outcome;
      outcome.caption.text = "a man in a red shirt is riding a bicycle";
      outcome.caption.log_prob = -9;
      outcome.caption.tokens = 10;
      result.outcome = std::move(outcome);
      result.blur_scores = test::every_mode(500);
      result.width_px = 4000;
      result.height_px = 3000;
      result.finished_unix_ms = 1'700'000'000'000;
      incoming.batches[0].results.push_back(std::move(result));
    }
    recorded += must(store.record(run, incoming)).recorded;
  }
  return recorded;
}

int bench(const std::filesystem::path& folder, std::int64_t images) {
  const std::filesystem::path own = folder / ("photoscribe-bench-" + std::to_string(::getpid()));
  std::filesystem::create_directories(own);
  struct Remove {
    const std::filesystem::path& path;
    ~Remove() { std::filesystem::remove_all(path); }
  } remove{own};
  Store store = must(Store::open_writer((own / "archive.db").string()));
  RunSettings settings;
  settings.model_hash = std::string(64, 'a');
  const RunId run = must(store.ensure_run("bench", settings)).run.id;

  measure("import, new rows", [&] { return scan(store, run, images); });
  measure("scan again, nothing changed", [&] { return scan(store, run, images); });
  const std::int64_t recorded = std::min<std::int64_t>(images / 2, 500'000);
  measure("take + record, batches of 1000",
          [&] { return feed_and_record(store, run, recorded, 1000); });
  measure("enqueue a window of 50,000", [&] {
    std::int64_t taken = 0;
    while (taken < 50'000) {
      const auto tasks = must(store.take_tasks(run, 1000));
      if (tasks.empty()) break;
      taken += static_cast<std::int64_t>(tasks.size());
    }
    return taken;
  });
  measure("read the window's pairs (S)",
          [&] { return static_cast<std::int64_t>(must(store.unfinished_enqueued(run)).size()); });
  measure("counts", [&] { return must(store.counts(run)).asked.total(); });
  measure("index captions for search", [&] {
    std::int64_t all = 0;
    for (;;) {
      const std::int64_t some = must(store.index_captions(10'000));
      if (some == 0) return all;
      all += some;
    }
  });
  settings.blur.blur_threshold = 600;
  measure("rejudge: all become blurred",
          [&] { return must(store.ensure_run("bench", settings)).became_blurred; });
  std::printf("database: %.1f MiB\n",
              static_cast<double>(std::filesystem::file_size(own / "archive.db")) / 1048576.0);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::filesystem::path folder =
        argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path();
    return bench(folder, argc > 2 ? std::atoll(argv[2]) : 1'000'000);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "store_bench: %s\n", e.what());
    return 1;
  }
}
