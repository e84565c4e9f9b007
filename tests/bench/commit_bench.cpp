// commit_bench: photos from the manifest through Redis and workers to their committed rows.
//
//   commit_bench enqueue REDIS_URL [photos=N]
//   commit_bench run     REDIS_URL [photos=N] [workers=1] [batch=64] [per_s=0] [watch=0]
//   [folder=DIR] commit_bench work    REDIS_URL [workers=N] [batch=16] [each_per_s=N]     until a
//   signal ends it
//
// All real but the photos: SQLite, the scheduler, and workers' consumers with their pipelines,
// whose loader reads nothing and whose network says the same of every photo. `enqueue`: the queue's
// own call alone, from tasks in memory. `run`: a manifest is made, then the clock runs from the
// first task to the last committed row; with per_s photos are fed at that rate; with watch=1 each
// one's time is taken from its entry in Redis (the server's clock, this machine's) until another
// connection sees its row. `work`: workers whose networks sleep, for a run elsewhere (workers=0).
// `walk`: from the files of a folder to the rows of a run, as `photoscribe run` begins.
// Prints one JSON object; ops/bench/queue, scale and fleet call it and start the servers.
#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/sqlite/database.h"
#include "scheduler/queue/scheduler.h"
#include "scheduler/run/prepare_run.h"
#include "tests/bench/bench_parts.h"
#include "tests/support/run_coroutine.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::bench {
namespace {

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

/// How far a run was, and what it had taken.
struct Sample {
  double seconds = 0;
  std::int64_t finished = 0;
  long rss_mib = 0;
};

long rss_mib() {
  std::ifstream statm("/proc/self/statm");
  long pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * ::sysconf(_SC_PAGESIZE) / (1024 * 1024);
}

struct Drained {
  double seconds = 0, cpu_seconds = 0;
  std::vector<Sample> samples;  // one each second
};

/// A scheduler that is set going once workers have joined the run, and watched.
class Drain {
 public:
  Drain(Archive& archive, const std::string& url, double rate_per_s)
      : thread_(archive.store), scheduler_(io_, thread_, settings(archive, url, rate_per_s), say) {}

  /// Until every photo has its row.
  Drained run() {
    scheduler_.pause();
    // Workers list the runs once a second.
    timer_.expires_after(milliseconds(2'500));
    timer_.async_wait([this](const boost::system::error_code&) { begin(); });
    if (need(test::run(io_, scheduler_.run())) != SchedulerEnd::complete) std::exit(1);
    drained_.seconds = seconds_since(begun_);
    drained_.cpu_seconds = cpu_seconds() - cpu_;
    return std::move(drained_);
  }

 private:
  static SchedulerSettings settings(Archive& archive, const std::string& url, double rate_per_s) {
    const RunRow row = need(archive.store.run(archive.run));
    SchedulerSettings made = scheduler_settings_of(row, archive.roots, LeaseSettings(), 0);
    made.endpoint = need(redis::parse_endpoint(url));
    made.rate_per_s = rate_per_s;
    return made;
  }
  static void say(const Event& event) { std::fprintf(stderr, "%s\n", event.text.c_str()); }
  void begin() {
    begun_ = Clock::now();
    cpu_ = cpu_seconds();
    scheduler_.resume();
    watch();
  }
  void watch() {
    drained_.samples.push_back({seconds_since(begun_), scheduler_.now().finished(), rss_mib()});
    timer_.expires_after(milliseconds(1'000));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) watch();
    });
  }

  asio::io_context io_{1};
  StoreThread thread_;
  Scheduler scheduler_;
  asio::steady_timer timer_{io_};
  Clock::time_point begun_;
  double cpu_ = 0;
  Drained drained_;
};

void print_latencies(std::vector<std::int64_t> ms) {
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double share) {
    return static_cast<long long>(
        ms[static_cast<std::size_t>(share * static_cast<double>(std::ssize(ms) - 1))]);
  };
  std::printf(R"(, "p50_ms": %lld, "p99_ms": %lld, "max_ms": %lld)", at(0.5), at(0.99), at(1));
}

/// Ten of the samples, evenly.
void print_samples(const std::vector<Sample>& samples) {
  std::printf(R"(, "samples": [)");
  const std::size_t step = std::max<std::size_t>(1, samples.size() / 10);
  for (std::size_t i = 0; i < samples.size(); i += step) {
    std::printf(R"(%s{"seconds": %.1f, "finished": %lld, "rss_mib": %ld})", i == 0 ? "" : ", ",
                samples[i].seconds, static_cast<long long>(samples[i].finished),
                samples[i].rss_mib);
  }
  std::printf("]");
}

/// Words "name=value" of the command line.
class Words {
 public:
  Words(int count, char** words) {
    for (int i = 0; i < count; ++i) {
      const std::string word = words[i];
      const auto equals = word.find('=');
      if (equals == std::string::npos) continue;
      values_[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  [[nodiscard]] std::int64_t number(const std::string& name, std::int64_t standard) const {
    const auto found = values_.find(name);
    return found == values_.end() ? standard : std::atoll(found->second.c_str());
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? "" : found->second;
  }

 private:
  std::map<std::string, std::string> values_;
};

void measure_run(const std::string& url, const Words& words) {
  const std::int64_t photos = words.number("photos", 100'000);
  const test::TempDir own;
  const std::string named = words.text("folder");
  Archive archive(named.empty() ? own.path() : std::filesystem::path(named), photos);
  const auto places = static_cast<std::size_t>(photos);
  const bool watched = words.number("watch", 0) != 0;
  std::vector<std::unique_ptr<Worker>> workers;
  WorkerShape shape;
  shape.batch = static_cast<std::size_t>(words.number("batch", 64));
  for (std::int64_t i = 0; i < words.number("workers", 1); ++i) {
    workers.push_back(std::make_unique<Worker>(url, archive.folder.string(), shape,
                                               watched && i == 0 ? places : 0));
  }
  RowWatch watch(archive.database(), places);
  if (watched) watch.start();
  const Drained drained = Drain(archive, url, static_cast<double>(words.number("per_s", 0))).run();
  const auto all = static_cast<double>(photos);
  std::printf(R"({"photos": %lld, "import_per_s": %.1f, "seconds": %.4f, "per_s": %.1f, )"
              R"("cpu_us": %.2f, "database_mib": %.1f)",
              static_cast<long long>(photos), all / archive.import_seconds, drained.seconds,
              all / drained.seconds, drained.cpu_seconds * 1e6 / all,
              static_cast<double>(std::filesystem::file_size(archive.database())) / 1048576.0);
  if (watched) {
    watch.stop();
    std::vector<std::int64_t> ms;
    for (std::size_t image = 1; image <= places; ++image)
      ms.push_back(watch.committed_ms()[image] - workers.at(0)->enqueued_ms()[image]);
    print_latencies(std::move(ms));
  }
  print_samples(drained.samples);
  std::puts("}");
}

class Nobody : public RunObserver {
 public:
  void progress(const RunProgress& /*now*/) override {}
  void event(const Event& /*event*/) override {}
};

void measure_walk(const std::string& folder) {
  const test::TempDir own;
  RunRequest request;
  request.database = own.file("archive.db");
  request.settings.model_hash = kModel;
  request.photos = {folder};
  Store store = need(Store::open_writer(request.database));
  Nobody nobody;
  const StopHandle stop;
  const auto begun = Clock::now();
  const PreparedRun prepared = need(prepare_run(store, request, nobody, stop));
  const double seconds = seconds_since(begun);
  std::printf(R"({"photos": %lld, "seconds": %.4f, "per_s": %.1f})"
              "\n",
              static_cast<long long>(prepared.scan.added), seconds,
              static_cast<double>(prepared.scan.added) / seconds);
}

/// Many workers that sleep, until SIGTERM.
void work(const std::string& url, const Words& words) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // inherited by the workers' threads
  const test::TempDir folder;
  WorkerShape shape;
  shape.batch = static_cast<std::size_t>(words.number("batch", 16));
  shape.decode_threads = 1;
  const auto each_per_s = static_cast<double>(words.number("each_per_s", 0));
  if (each_per_s > 0) shape.each = std::chrono::duration<double>(1 / each_per_s);
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::int64_t i = 0; i < words.number("workers", 1); ++i)
    workers.push_back(std::make_unique<Worker>(url, folder.path().string(), shape, 0));
  std::puts("ready");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  for (const auto& worker : workers) worker->stop();
  workers.clear();
  std::printf(R"({"cpu_seconds": %.2f, "rss_mib": %ld})"
              "\n",
              cpu_seconds(), rss_mib());
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
}  // namespace photoscribe::bench

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("worker"));  // standard output is JSON
  spdlog::set_level(spdlog::level::warn);
  const std::string what = argc > 2 ? argv[1] : "";
  const photoscribe::bench::Words words(argc, argv);
  if (what == "enqueue") {
    photoscribe::bench::measure_enqueue(argv[2], words.number("photos", 100'000));
  } else if (what == "run") {
    photoscribe::bench::measure_run(argv[2], words);
  } else if (what == "work") {
    photoscribe::bench::work(argv[2], words);
  } else if (what == "walk") {
    photoscribe::bench::measure_walk(argv[2]);
  } else {
    std::fprintf(stderr,
                 "commit_bench enqueue REDIS_URL [photos=N]\n"
                 "commit_bench run REDIS_URL [photos=N] [workers=1] [batch=64] [per_s=0] [watch=0] "
                 "[folder=DIR]\n"
                 "commit_bench work REDIS_URL [workers=N] [batch=16] [each_per_s=N]\n"
                 "commit_bench walk FOLDER\n");
    return 2;
  }
  return 0;
}
