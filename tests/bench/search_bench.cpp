// How long a search takes in an archive of a million photos with made captions.
//
//   cmake --build build/release --target search_bench && build/release/tests/search_bench [FOLDER
//   [PHOTOS]]
//
// Makes a database in FOLDER (default: the system's temporary folder) through Store, as a run does,
// indexes it, and asks each query 20 times, warm. The captions follow a fixed grammar: a word of a
// few stands in half of them, 20,000 words are rare. One photo in 100 is edited, one in 10 has a
// photographer.
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "scheduler/store/edits.h"
#include "scheduler/store/search.h"
#include "scheduler/store/store.h"
#include "tests/support/blur_scores.h"
#include "tests/support/must.h"

namespace {

using namespace photoscribe;
using test::must;
using Clock = std::chrono::steady_clock;

double cpu_ms() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

class Captions {
 public:
  std::string next() {
    std::string caption = "a " + one_of(kSubjects) + " in a " + one_of(kColours) + " shirt " +
                          one_of(kVerbs) + " " + one_of(kPlaces);
    if (random_() % 2 == 0) caption += " outside";
    if (random_() % 3 == 0) {  // few of them often
      const double u = std::uniform_real_distribution<>(0, 1)(random_);
      caption += " with a thing" + std::to_string(static_cast<int>(20'000 * u * u * u));
    }
    return caption;
  }

 private:
  template <std::size_t N>
  std::string one_of(const std::array<const char*, N>& words) {
    return words[random_() % N];
  }
  static constexpr std::array<const char*, 8> kSubjects{"man", "man",  "woman",  "dog",
                                                        "boy", "girl", "surfer", "group of people"};
  static constexpr std::array<const char*, 10> kColours{
      "red", "blue", "white", "black", "green", "brown", "yellow", "orange", "striped", "dark"};
  static constexpr std::array<const char*, 6> kVerbs{"is running", "is standing", "sits",
                                                     "jumps",      "is surfing",  "plays"};
  static constexpr std::array<const char*, 8> kPlaces{
      "on the beach",      "in the grass", "on a street",  "near a red car",
      "in front of a car", "at the table", "in the water", "on a mountain"};
  std::mt19937 random_{1};
};

void fill(Store& store, RunId run, std::int64_t photos) {
  Scan pass = must(store.begin_scan(run, {{"photos", "/archive/photos"}}));
  constexpr std::int64_t kBatch = 10'000;
  for (std::int64_t first = 0; first < photos; first += kBatch) {
    std::vector<FoundFile> files;
    for (std::int64_t i = first; i < std::min(first + kBatch, photos); ++i) {
      FoundFile file;
      char path[64];
      std::snprintf(path, sizeof path, "%04lld/%03lld/IMG_%07lld.jpg",
                    static_cast<long long>(2000 + i / 50'000),
                    static_cast<long long>(i / 300 % 366), static_cast<long long>(i));
      file.path = path;
      file.size_bytes = 3'000'000 + i;
      file.mtime_ns = 1'000'000'000'000'000'000 + i * 600'000'000'000;
      files.push_back(std::move(file));
    }
    must(pass.add(files));
  }
  must(pass.finish(std::vector<Scan::Walked>(1), {}));
  Captions captions;
  for (;;) {
    const auto tasks = must(store.take_tasks(run, 5'000));
    if (tasks.empty()) return;
    Incoming incoming;
    incoming.batches.push_back({"host:1:abc", {}});
    for (const Task& task : tasks) {
      Result result;
      result.image_id = task.image_id;
      result.attempt = task.attempt;
      Captioned outcome;
      outcome.caption.text = captions.next();
      outcome.caption.log_prob = -9;
      outcome.caption.tokens = 10;
      result.outcome = std::move(outcome);
      result.blur_scores = test::every_mode(500);
      result.width_px = 4000;
      result.height_px = 3000;
      result.finished_unix_ms = 1'700'000'000'000;
      incoming.batches[0].results.push_back(std::move(result));
    }
    (void)must(store.record(run, incoming));
  }
}

/// As people and lists leave them.
void add_edits_and_columns(const std::string& database) {
  sqlite3* db = nullptr;
  char* why = nullptr;
  if (sqlite3_open(database.c_str(), &db) != SQLITE_OK ||
      sqlite3_exec(db,
                   "BEGIN; INSERT INTO kept_column (name) VALUES ('photographer');"
                   "INSERT INTO kept_value SELECT image_id, 1, CASE image_id / 10 % 3 "
                   "WHEN 0 THEN 'Ana Lopez' WHEN 1 THEN 'Ben' ELSE 'Eva Maria' END "
                   "FROM image WHERE image_id % 10 = 0;"
                   "INSERT INTO caption_edit (root_id, path, action, caption, edited_by, "
                   "edited_unix_ms) SELECT root_id, path, 'set', 'our boat ' || image_id, 'ana', 1 "
                   "FROM image WHERE image_id % 100 = 0; COMMIT",
                   nullptr, nullptr, &why) != SQLITE_OK) {
    throw std::runtime_error(why != nullptr ? why : "cannot open the database");
  }
  sqlite3_close(db);
}

void ask(Store& store, const std::string& name, const SearchRequest& request) {
  constexpr int kTimes = 20;
  std::vector<double> wall, cpu;
  SearchOutcome outcome;
  for (int i = 0; i <= kTimes; ++i) {
    const auto begun = Clock::now();
    const double cpu_before = cpu_ms();
    outcome = must(store.search(request, [](const ResultRow&) { return Status(); }));
    if (i == 0) continue;  // warms up
    wall.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
    cpu.push_back(cpu_ms() - cpu_before);
  }
  std::sort(wall.begin(), wall.end());
  std::sort(cpu.begin(), cpu.end());
  std::printf("%-44s %3lld rows%s  wall p50 %7.1f p95 %7.1f ms  CPU p50 %7.1f p95 %7.1f ms\n",
              name.c_str(), static_cast<long long>(outcome.photos),
              outcome.best_first ? " best first" : " last added", wall[kTimes / 2],
              wall[kTimes * 19 / 20 - 1], cpu[kTimes / 2], cpu[kTimes * 19 / 20 - 1]);
  std::fflush(stdout);
}

int bench(const std::filesystem::path& folder, std::int64_t photos) {
  const std::filesystem::path own = folder / ("photoscribe-bench-" + std::to_string(::getpid()));
  std::filesystem::create_directories(own);
  struct Remove {
    const std::filesystem::path& path;
    ~Remove() { std::filesystem::remove_all(path); }
  } remove{own};
  const std::string database = (own / "archive.db").string();
  Store store = must(Store::open_writer(database));
  RunSettings settings;
  settings.model_hash = std::string(64, 'a');
  const RunId run = must(store.ensure_run("bench", settings)).run.id;
  fill(store, run, photos);
  add_edits_and_columns(database);
  const double size_before = static_cast<double>(std::filesystem::file_size(database)) / 1048576.0;
  const auto begun = Clock::now();
  const double cpu_before = cpu_ms();
  while (must(store.index_captions(2'000)) > 0) {
  }
  const double wall_s = std::chrono::duration<double>(Clock::now() - begun).count();
  const double cpu_s = (cpu_ms() - cpu_before) / 1e3;
  (void)must(store.empty_log());
  std::printf("indexed %lld photos: wall %.0f/s, CPU %.0f/s; database %.0f MiB, then %.0f MiB\n",
              static_cast<long long>(photos), static_cast<double>(photos) / wall_s,
              static_cast<double>(photos) / cpu_s, size_before,
              static_cast<double>(std::filesystem::file_size(database)) / 1048576.0);
  for (const char* query :
       {"thing17000", "dog beach", "dog beach -red \"red car\" surf*", "\"red car\"",
        "man thing17000", "photographer:ana", "photographer:ana surfer", "boat", "thing1*", "surf*",
        "man", "outside", "shirt", "shirt -man", "-shirt", "man OR woman OR dog", "thi*"}) {
    SearchRequest request;
    request.query = query;
    request.limit = 20;
    ask(store, query, request);
  }
  SearchRequest request;
  request.limit = 20;
  ask(store, "(no words)", request);
  request.query = "outside";
  request.sort = SearchSort::newest;
  ask(store, "outside, newest files first", request);
  request.query = "dog beach";
  ask(store, "dog beach, newest files first", request);
  request.sort = SearchSort::best;
  request.since_unix_ms = 1'300'000'000'000;
  ask(store, "dog beach --since", request);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::filesystem::path folder =
        argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path();
    return bench(folder, argc > 2 ? std::atoll(argv[2]) : 1'000'000);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "search_bench: %s\n", e.what());
    return 1;
  }
}
