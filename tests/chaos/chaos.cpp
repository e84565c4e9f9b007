#include "tests/chaos/chaos.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <stdexcept>
#include <utility>

#include "tests/chaos/photo_faults.h"

namespace photoscribe::test {
namespace {

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

std::string test_name() {
  const auto* const info = ::testing::UnitTest::GetInstance()->current_test_info();
  return std::string(info->test_suite_name()) + "." + info->name();
}

unsigned seed() {
  if (const char* const given = std::getenv("CHAOS_SEED")) {
    return static_cast<unsigned>(std::strtoul(given, nullptr, 10));
  }
  return std::random_device()();
}

}  // namespace

Orders::Orders(std::string file) : file_(std::move(file)) {
  const int fd = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const bool sized = fd >= 0 && ::ftruncate(fd, sizeof(PreloadOrders)) == 0;
  void* const map =
      ::mmap(nullptr, sizeof(PreloadOrders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) ::close(fd);
  if (!sized || map == MAP_FAILED) throw std::runtime_error("cannot map " + file_);
  map_ = static_cast<PreloadOrders*>(map);
}

Orders::~Orders() { ::munmap(map_, sizeof(PreloadOrders)); }

Environment::Environment(std::string name, const std::string& value) : name_(std::move(name)) {
  ::setenv(name_.c_str(), value.c_str(), 1);
}
Environment::~Environment() { ::unsetenv(name_.c_str()); }

void Chaos::SetUp() {
  EndToEnd::SetUp();
  // Long enough that a living worker is not taken for dead on a busy machine, short enough to wait.
  ::setenv("PHOTOSCRIBE_LEASE_MS", "1500", 1);
  ::setenv("PHOTOSCRIBE_LEASE_BEAT_MS", "150", 1);
  ::setenv("PHOTOSCRIBE_WORKER_EXECUTABLE", PHOTOSCRIBE_CHAOS_WORKER, 1);
  ::setenv(kFaultsFolderVariable, folder_.path().c_str(), 1);
  set_faults("");
  const unsigned chosen = seed();
  random_.seed(chosen);
  std::printf("seed %u (CHAOS_SEED=%u repeats these choices)\n", chosen, chosen);
}

void Chaos::TearDown() {
  proxy_.reset();  // what still waits for an answer learns that there is none
  server_.reset();
  for (const char* const name :
       {"PHOTOSCRIBE_WORKER_EXECUTABLE", kFaultsFolderVariable, kFaultsVariable}) {
    ::unsetenv(name);
  }
  EndToEnd::TearDown();
}

void Chaos::begin(int photos, RedisOptions options) {
  photo_count_ = photos;
  add_photos(photos);
  server_.emplace(std::move(options));
  proxy_.emplace(folder_.file("proxy.sock"), server_->folder().file("redis.sock"));
}

std::vector<std::string> Chaos::scribe(std::vector<std::string> more) const {
  more.insert(more.begin(), {"--redis", proxy_->url(), "--batch", "4", "--no-progress"});
  return run_command(std::move(more));
}

Process Chaos::start(std::vector<std::string> more) const {
  return Process(scribe(std::move(more)), folder_.path().string());
}

void Chaos::set_faults(const std::string& lines) {
  // The last line is for machines that are too fast to be caught in the middle.
  ::setenv(kFaultsVariable, (lines + "network tick *\n").c_str(), 1);
}

bool Chaos::struck(int fault) const {
  return std::filesystem::exists(folder_.file("fault-" + std::to_string(fault)));
}

std::string Chaos::worker_logs() const {
  std::string all;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(database() + ".state", absent)) {
    if (entry.path().filename().string().starts_with("worker-")) {
      std::ifstream file(entry.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
  }
  return all;
}

int Chaos::done_again() const {
  std::set<std::pair<std::int64_t, std::int32_t>> seen;
  int again = 0;
  for (const FinishedPhoto& photo : proxy_->finished()) {
    again += seen.emplace(photo.image_id, photo.attempt).second ? 0 : 1;
  }
  return again;
}

int Chaos::results() const {
  if (!std::filesystem::exists(database())) return 0;
  const std::string there =
      query_one(database(), "SELECT count(*) FROM sqlite_master WHERE name = 'result'");
  if (there != "1") return 0;
  return std::stoi(query_one(database(), "SELECT count(*) FROM result"));
}

bool Chaos::reached(int wanted, int seconds) const {
  return eventually([&] { return results() >= wanted; }, std::chrono::seconds(seconds));
}

void Chaos::damaged() {
  results_then_ = results();
  damaged_at_ = Clock::now();
}

void Chaos::expect_recovery(std::chrono::milliseconds limit) {
  ASSERT_TRUE(damaged_at_);
  EXPECT_TRUE(reached(results_then_ + 1, 60)) << "nothing was finished any more";
  first_result_s_ = seconds_since(*damaged_at_);
  EXPECT_LT(first_result_s_, std::chrono::duration<double>(limit).count());
}

void Chaos::finish(Process& run, int exit_status) {
  const Finished got = run.wait();
  EXPECT_EQ(got.exit_status, exit_status) << got.err;
  if (exit_status == 0) expect_nothing_lost();
  if (!damaged_at_) return;
  std::printf("[recovery] %s: next result after %.1f s, all after %.1f s; done again: %d\n",
              test_name().c_str(), first_result_s_, seconds_since(*damaged_at_), done_again());
}

void Chaos::expect_nothing_lost(const std::map<std::string, int>& failed) {
  int all_failed = 0;
  for (const auto& [reason, photos] : failed) {
    all_failed += photos;
    EXPECT_EQ(count("state = 'failed' AND reason = '" + reason + "'"), std::to_string(photos));
  }
  EXPECT_EQ(count("1"), std::to_string(photo_count_)) << "photos lost from the manifest";
  EXPECT_EQ(query_one(database(), "SELECT count(DISTINCT uri) FROM caption_result"),
            std::to_string(photo_count_));
  EXPECT_EQ(count("state = 'done'"), std::to_string(photo_count_ - all_failed));
  EXPECT_EQ(count("state = 'failed'"), std::to_string(all_failed)) << "innocent photos blamed";
  // Once: one result each, in the first attempt; and each photo's own, so no two are the same.
  EXPECT_EQ(results(), photo_count_);
  EXPECT_EQ(query_one(database(), "SELECT count(DISTINCT image_id) FROM result WHERE attempt = 1"),
            std::to_string(photo_count_));
  EXPECT_EQ(query_one(database(),
                      "SELECT count(DISTINCT blur_score) FROM result "
                      "WHERE outcome = 'done'"),
            std::to_string(photo_count_ - all_failed));
  expect_finished_kept();
  expect_database_whole();
  if (server_ && server_->pid() > 0) {
    EXPECT_EQ(server_->command({"KEYS", "photoscribe:[{r]*"}), "[]");
  }
}

void Chaos::expect_finished_kept() const {
  if (!proxy_) return;
  std::map<std::pair<std::string, std::string>, Row> stored;
  for (Row& row : query(database(),
                        "SELECT image_id, attempt, outcome, reason, "
                        "printf('%!.17g', blur_score) AS blur_score FROM result")) {
    stored[{row["image_id"].value_or(""), row["attempt"].value_or("")}] = std::move(row);
  }
  EXPECT_FALSE(proxy_->finished().empty()) << "the log of finished results is empty";
  for (const FinishedPhoto& sent : proxy_->finished()) {
    const auto found = stored.find({std::to_string(sent.image_id), std::to_string(sent.attempt)});
    if (found == stored.end()) {
      ADD_FAILURE() << "lost after its finish: image " << sent.image_id << " attempt "
                    << sent.attempt;
      continue;
    }
    const Row& row = found->second;
    const bool same = row.at("outcome") == sent.outcome || row.at("reason") == sent.outcome ||
                      sent.outcome == "timeout";  // a caption of later replaces it
    EXPECT_TRUE(same) << "image " << sent.image_id << " was " << sent.outcome;
    if (row.at("outcome") != "done") continue;
    EXPECT_DOUBLE_EQ(std::stod(row.at("blur_score").value_or("-1")), sent.blur_score)
        << "another photo's result under image " << sent.image_id;
  }
}

void Chaos::expect_database_whole() const {
  EXPECT_EQ(query_one(database(), "PRAGMA integrity_check"), "ok");
  EXPECT_TRUE(query(database(), "PRAGMA foreign_key_check").empty());
  EXPECT_EQ(query_one(database(), "SELECT count(*) FROM quarantine"), "0");
  EXPECT_EQ(query_one(database(), "SELECT sum(images) FROM run_count WHERE asked = 1"),
            std::to_string(photo_count_));
}

}  // namespace photoscribe::test
