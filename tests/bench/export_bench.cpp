// export_bench FOLDER [PHOTOS]: sidecars a second, new and again, and words into photos a second.
//
// Makes PHOTOS copies (5,000) of a small photo below FOLDER, and a database that has a caption for
// each; the program does the rest. FOLDER is to lie on the disk that is meant.
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "scheduler/store/store.h"
#include "tests/support/must.h"

namespace {

namespace fs = std::filesystem;
using namespace photoscribe;
using test::must;

std::vector<FoundFile> make_photos(const fs::path& folder, int photos) {
  std::vector<FoundFile> files;
  for (int i = 0; i < photos; ++i) {
    const std::string path = std::to_string(i / 1000) + "/" + std::to_string(i) + ".jpg";
    fs::create_directories((folder / path).parent_path());
    fs::copy_file(PHOTOSCRIBE_SOURCE_DIR "/tests/data/photos/street.jpg", folder / path);
    struct stat there {};
    if (::stat((folder / path).c_str(), &there) != 0) std::exit(1);
    FoundFile file;
    file.path = path;
    file.size_bytes = there.st_size;
    file.mtime_ns = std::int64_t{there.st_mtim.tv_sec} * 1'000'000'000 + there.st_mtim.tv_nsec;
    file.inode = static_cast<std::int64_t>(there.st_ino);
    files.push_back(std::move(file));
  }
  return files;
}

void make_database(const std::string& database, const fs::path& photos, int count) {
  Store store = must(Store::open_writer(database));
  RunSettings settings;
  settings.model_hash = std::string(64, 'a');
  settings.model_name = "bench";
  const RunId run = must(store.ensure_run("default", settings)).run.id;
  Scan scan = must(store.begin_scan(run, {{"photos", photos.string()}}, false));
  const std::vector<FoundFile> files = make_photos(photos, count);
  if (!scan.add(files)) std::exit(1);
  must(scan.finish(std::vector<Scan::Walked>{{0, ""}}, {}));
  Incoming incoming;
  incoming.batches.push_back({"host:1:abc", {}});
  for (const Task& task : must(store.take_tasks(run, static_cast<std::size_t>(count)))) {
    Result result;
    result.image_id = task.image_id;
    result.attempt = task.attempt;
    Captioned outcome;
    outcome.caption.text = "a black dog is jumping over a fallen tree";
    outcome.caption.log_prob = -3.5;
    outcome.caption.tokens = 9;
    result.outcome = std::move(outcome);
    BlurScores scores;
    scores.by_mode.fill(500);
    result.blur_scores = scores;
    result.width_px = result.height_px = 100;
    result.finished_unix_ms = 1'700'000'000'000;
    incoming.batches.back().results.push_back(std::move(result));
  }
  must(store.record(run, incoming));
}

void time_export(const std::string& database, int photos, const char* what,
                 const std::string& words) {
  const auto began = std::chrono::steady_clock::now();
  const std::string command =
      PHOTOSCRIBE_BIN_DIR "/photoscribe export '" + database + "' " + words + " > /dev/null";
  if (std::system(command.c_str()) != 0) std::exit(1);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%-28s %8.0f photos/s\n", what, photos / took.count());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const fs::path folder = fs::absolute(argv[1]);
  const int photos = argc > 2 ? std::atoi(argv[2]) : 5000;
  fs::create_directories(folder);
  const std::string database = (folder / "bench.db").string();
  make_database(database, folder / "photos", photos);
  time_export(database, photos, "XMP sidecars, new", "--format xmp");
  time_export(database, photos, "XMP sidecars, again", "--format xmp");
  time_export(database, photos, "XMP into the photos", "--format xmp --in-place");
  time_export(database, photos, "text files", "--format txt");
  return 0;
}
