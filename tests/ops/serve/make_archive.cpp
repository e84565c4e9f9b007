// Makes a database with photos of every state, for pages: make_archive FILE.db PHOTOS [FOLDER].
//
// Of ten photos one is blurred, one unsure, one has failed and one waits; folders of 300 by day,
// one near duplicate in fifty, kept columns for a few. The photos are not there; FOLDER (/archive)
// is where they would be.
#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "scheduler/store/store.h"
#include "tests/support/blur_scores.h"

namespace {

using namespace photoscribe;

template <class T>
T must(Expected<T> value) {
  if (!value) throw std::runtime_error(value.error().message);
  return std::move(*value);
}
void must(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

constexpr std::int64_t kBatch = 10'000;
constexpr std::int64_t kBegan = 1'790'000'000'000;  // ms

/// A pseudorandom index below `count`, the same for the same number.
std::size_t pick(std::int64_t number, std::size_t count, std::uint64_t salt) {
  std::uint64_t mixed = (static_cast<std::uint64_t>(number) + salt) * 0x9E3779B97F4A7C15U;
  mixed ^= mixed >> 29U;
  return (mixed * 0xBF58476D1CE4E5B9U >> 33U) % count;
}

std::string caption_of(std::int64_t number) {
  static const char* const kWho[] = {
      "a brown dog", "a black dog",       "two children", "a woman in a red coat",
      "a man",       "a group of people", "a cyclist",    "a cat"};
  static const char* const kDoes[] = {"runs through", "stands in", "sits beside", "jumps over",
                                      "looks at"};
  static const char* const kWhere[] = {"the snow",       "a green field", "the beach",
                                       "a wooden fence", "a busy street", "a lake"};
  return std::string(kWho[pick(number, 8, 1)]) + " " + kDoes[pick(number, 5, 2)] + " " +
         kWhere[pick(number, 6, 3)];
}

/// Two alternatives, and attention whose bright cell moves along the diagonal from word to word.
void add_looks(Caption& caption) {
  caption.alternatives = {{"an animal outside", caption.log_prob - 1.5, 3},
                          {"something that moves", caption.log_prob - 2.5, 3}};
  const auto words = 1 + std::count(caption.text.begin(), caption.text.end(), ' ');
  caption.tokens = static_cast<int>(words);
  AttentionMaps& maps = caption.attention.emplace();
  maps.width = maps.height = 7;
  for (int word = 0; word < caption.tokens; ++word) {
    for (int cell = 0; cell < 49; ++cell)
      maps.cells.push_back(cell == word % 7 * 8 ? 255 : cell == word % 7 * 8 + 1 ? 120 : 10);
  }
}

Result result_of(const Task& task, std::int64_t number) {
  Result result;
  result.image_id = task.image_id;
  result.attempt = task.attempt;
  result.width_px = 640;
  result.height_px = 480;
  result.finished_unix_ms = kBegan + number * 4;
  result.times = {1'000, 20'000, 8'000};
  const double sharp =
      std::pow(10.0, 2.05 + 2.5 * static_cast<double>(pick(number, 1000, 4)) / 1000);
  const std::size_t kind = pick(number, 10, 5);
  if (kind == 0) {
    result.outcome = Blurred{};
    result.blur_scores =
        test::every_mode(100.0 * static_cast<double>(pick(number, 1000, 6)) / 1000);
    return result;
  }
  if (kind == 1) {
    const Reason reasons[] = {Reason::truncated, Reason::not_an_image, Reason::timeout};
    result.outcome = Failed{reasons[pick(number, 3, 7)], "made for a test"};
    result.width_px = result.height_px = 0;
    return result;
  }
  Captioned outcome;
  outcome.caption.text = caption_of(number);
  outcome.caption.tokens = 7;
  outcome.caption.log_prob = -1.0 - 9.0 * static_cast<double>(pick(number, 1000, 8)) / 1000;
  outcome.caption.evidence = CaptionEvidence{-1.2, 0.8, 0.7, 0.2, 0.4};
  outcome.caption.concepts = {{"dog", 0.91F}, {"grass", 0.6F}, {"ball", 0.2F}};
  if (pick(number, 5, 10) != 0) add_looks(outcome.caption);
  result.outcome = std::move(outcome);
  result.blur_scores = test::every_mode(sharp);
  if (pick(number, 50, 9) == 0 && number > 1) result.copied_from = CopiedFrom{task.image_id - 1, 3};
  return result;
}

void find_photos(Store& store, RunId run, std::int64_t photos, const std::string& folder) {
  Scan scan = must(store.begin_scan(run, {{"photos", folder}}));
  std::vector<FoundFile> files;
  for (std::int64_t number = 0; number < photos; ++number) {
    FoundFile file;
    char path[64];
    std::snprintf(path, sizeof path, "%04d/day %03d/IMG_%07d.jpg",
                  2015 + static_cast<int>(number / 110'000), static_cast<int>(number / 300 % 366),
                  static_cast<int>(number));
    file.path = path;
    file.size_bytes = 3'000'000 + number;
    file.mtime_ns = (1'420'000'000 + number * 300) * 1'000'000'000;
    file.inode = 1'000'000 + number;
    files.push_back(std::move(file));
    if (static_cast<std::int64_t>(files.size()) < kBatch && number + 1 < photos) continue;
    must(scan.add(files));
    files.clear();
  }
  const std::vector<Scan::Walked> walked{{0, ""}};
  must(scan.finish(walked, {}));
}

std::int64_t caption_photos(Store& store, RunId run, std::int64_t photos) {
  std::int64_t number = 0;
  const std::int64_t last = photos - photos / 10;  // the rest waits
  while (number < last) {
    Incoming incoming;
    incoming.batches.push_back({"host1:4711:ab", {}});
    for (const Task& task : must(store.take_tasks(run, 1'000))) {
      if (number >= last) break;
      incoming.batches[0].results.push_back(result_of(task, number));
      ++number;
    }
    if (incoming.batches[0].results.empty()) break;
    must(store.record(run, incoming));
  }
  while (must(store.index_captions(kBatch)) > 0) {
  }
  return number;
}

void keep_columns(const std::string& file) {
  sqlite3* db = nullptr;
  if (sqlite3_open(file.c_str(), &db) != SQLITE_OK)
    throw std::runtime_error("cannot open it again");
  const char* const sql =
      "INSERT INTO kept_column (name) VALUES ('photographer'), ('licence');"
      "INSERT INTO kept_value SELECT image_id, 1, 'Ana Núñez' FROM image LIMIT 100;"
      "INSERT INTO kept_value SELECT image_id, 2, 'CC BY 4.0' FROM image LIMIT 100;"
      "INSERT INTO reference_caption SELECT image_id, 0, 'a dog plays outside' FROM image LIMIT 50;"
      "INSERT INTO event (run_id, at_unix_ms, level, kind, text) "
      "VALUES (1, 1790000000000, 'warning', 'worker_died', 'worker 1 ended (signal 9): started "
      "again')";
  const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
  sqlite3_close(db);
  if (code != SQLITE_OK) throw std::runtime_error("cannot keep columns");
}

int make(const std::string& file, std::int64_t photos, const std::string& folder) {
  {
    Store store = must(Store::open_writer(file));
    RunSettings settings;
    settings.model_hash = std::string(64, 'a');
    settings.model_name = "made";
    settings.confidence = ConfidenceModel{};
    settings.confidence->bias = 2.0;
    settings.confidence->weights[0] = 2.0;
    settings.min_confidence = 0.5;
    const RunId run = must(store.ensure_run("default", settings)).run.id;
    find_photos(store, run, photos, folder);
    caption_photos(store, run, photos);
  }
  keep_columns(file);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "make_archive FILE.db PHOTOS [FOLDER]\n");
    return 2;
  }
  try {
    return make(argv[1], std::atoll(argv[2]), argc > 3 ? argv[3] : "/archive");
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "make_archive: %s\n", wrong.what());
    return 3;
  }
}
