// A run on a Redis in which somebody else writes: forged tasks, results, specs and runs.
//
// Who can write to Redis can spoil a run's captions (ops/config/redis-users.conf says who should
// be). What must hold all the same: no file outside the roots is opened, nothing crashes, what was
// not forged is captioned once, and a person is told.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "common/core/wire.h"
#include "tests/chaos/chaos.h"

namespace photoscribe::test {
namespace {

using namespace std::string_literals;

class Forged : public Chaos {
 protected:
  static constexpr int kPhotos = 40;
  static constexpr std::int64_t kNobody = 999'999;  // an image that no run has

  /// A batch of four photos takes two seconds, so that the run is under way when all is forged.
  void begin_slowly() {
    begin(kPhotos);
    set_faults("network slow *\n");
  }
  /// Waits until the run gets on, and learns its keys.
  void learn_keys(const Process& run) {
    ASSERT_TRUE(reached(3)) << run.err_so_far();
    const std::string listed = redis().command({"HGETALL", "photoscribe:runs"});
    incarnation_ = listed.substr(1, listed.find(',') - 1);
    ASSERT_EQ(incarnation_.size(), 32U) << listed;
  }
  [[nodiscard]] std::string key(const std::string& name) const { return key(incarnation_, name); }
  [[nodiscard]] static std::string key(const std::string& incarnation, const std::string& name) {
    return "photoscribe:{" + incarnation + "}:" + name;
  }
  void add(const std::string& stream, const std::vector<std::string>& fields) {
    std::vector<std::string> words{"XADD", key(stream), "*"};
    words.insert(words.end(), fields.begin(), fields.end());
    redis().command(words);
  }
  void add_task(const std::string& root, const std::string& path) {
    add("tasks", {"i", std::to_string(kNobody), "a", "1", "r", root, "p", path});
  }
  /// The run ends by itself, whole, and no worker died on the way.
  Finished expect_unharmed(Process& run, int exit_status = 0) {
    Finished end = run.wait();
    EXPECT_EQ(end.exit_status, exit_status) << end.err;
    EXPECT_EQ(count("state = 'done'"), std::to_string(kPhotos));
    expect_everything_once(kPhotos);
    EXPECT_EQ(end.err.find("started again"), std::string::npos) << end.err;
    EXPECT_EQ(query_one(database(), "PRAGMA integrity_check"), "ok");
    return end;
  }
  static int occurrences(const std::string& text, const std::string& part) {
    int count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
  }

  std::string incarnation_;
};

TEST_F(Forged, TasksOpenNothingOutsideTheRoots) {
  begin_slowly();
  Process run = start();
  learn_keys(run);
  const std::string outside = folder_.write("secret.jpg", clear_jpeg(7));
  std::filesystem::create_symlink(outside, photos() + "/link.jpg");
  std::filesystem::create_symlink("/etc", photos() + "/etc");
  ASSERT_EQ(::mkfifo((photos() + "/pipe.jpg").c_str(), 0600), 0);
  const std::string root = query_one(database(), "SELECT name FROM root");
  for (const std::string& path :
       {"/etc/passwd"s, "../secret.jpg"s, "a/../../secret.jpg"s, outside, "link.jpg"s,
        "etc/passwd"s, "/proc/self/environ"s, "/dev/zero"s, "pipe.jpg"s, ".."s, "."s, ""s,
        "photo-0000.jpg\0/../../secret.jpg"s, "photo-0000.jpg/"s, std::string(5'000, '/'),
        std::string(200'000, 'a')}) {
    add_task(root, path);
  }
  for (const std::string& other : {"/"s, ""s, "etc"s, ".."s, std::string(100'000, 'r'), "a\0b"s})
    add_task(other, "etc/passwd");

  const Finished end = expect_unharmed(run);

  // Every one had a result of its own, all for an image that the run has not.
  EXPECT_NE(end.err.find("results were refused"), std::string::npos) << end.err;
  EXPECT_EQ(query_one(database(), "SELECT count(*) FROM result WHERE image_id = 999999"), "0");
  // The secret photo would have been captioned: no finished result may be more than a refusal.
  int refused = 0;
  for (const FinishedPhoto& photo : proxy().finished()) {
    if (photo.image_id != kNobody) continue;
    ++refused;
    EXPECT_THAT(photo.outcome, testing::AllOf(testing::Ne("done"), testing::Ne("blurred")));
  }
  EXPECT_GT(refused, 10);
}

TEST_F(Forged, MalformedEntriesOfEveryKindAreCountedAndHarmNothing) {
  begin_slowly();
  Process run = start();
  learn_keys(run);
  const std::string zeros(3'000'000, '\0');
  const std::vector<std::vector<std::string>> odd{
      {"x", "y"},
      {"i", "1"},
      {"i", "-1", "a", "1", "r", "photos", "p", "x.jpg"},
      {"i", "99999999999999999999", "a", "1", "r", "photos", "p", "x.jpg"},
      {"i", "1", "a", "0", "r", "photos", "p", "x.jpg"},
      {"i", "1", "a", "1", "r", "photos", "p", "x.jpg", "d", "-7"},
      {"i", "1e3", "a", "1", "r", "photos", "p", "x.jpg"},
      {"", ""},
      {"b", ""},
      {"b", "x"},
      {"b", zeros},
      {"i", "1", "a", "1", "c", "0", "w", "me"},
      {zeros, zeros},
  };
  for (const char* stream : {"tasks", "results"}) {
    for (const auto& fields : odd) add(stream, fields);
    std::vector<std::string> many;
    for (int i = 0; i < 10'000; ++i) many.insert(many.end(), {"f" + std::to_string(i), "v"});
    add(stream, many);
  }

  const Finished end = expect_unharmed(run);

  EXPECT_NE(end.err.find("quarantine"), std::string::npos) << end.err;
  EXPECT_GT(std::stoi(query_one(database(), "SELECT count(*) FROM quarantine")), 0);
}

TEST_F(Forged, ResultsForImagesThatTheRunHasNotAreRefused) {
  begin_slowly();
  Process run = start();
  learn_keys(run);
  ResultBatch batch;
  batch.worker = "forger";
  for (const auto& [image, attempt] : std::vector<std::pair<std::int64_t, std::int32_t>>{
           {kNobody, 1}, {0, 1}, {1, 77}, {9'223'372'036'854'775'807, 1}}) {
    Result result;
    result.image_id = image;
    result.attempt = attempt;
    result.outcome = Failed{Reason::crashed_worker, "forged"};
    batch.results.push_back(result);
  }
  for (int i = 0; i < 50; ++i) add("results", {"b", encode_results(batch)});

  const Finished end = expect_unharmed(run);

  EXPECT_EQ(query_one(database(), "SELECT count(*) FROM result WHERE detail = 'forged'"), "0");
  EXPECT_NE(end.err.find("results were refused"), std::string::npos) << end.err;
}

TEST_F(Forged, ARunWhoseSpecNamesAFolderIsNotJoined) {
  begin_slowly();
  Process run = start();
  learn_keys(run);
  const std::string forged(32, 'f');
  // The run's own spec with another root: the worker has no such name on its command line.
  std::string spec = redis().command({"GET", key("spec")});
  const std::string root = query_one(database(), "SELECT name FROM root");
  const auto at = spec.find("[\"" + root + "\"]");
  ASSERT_NE(at, std::string::npos) << spec;
  spec.replace(at + 2, root.size(), "/");
  redis().command({"SET", key(forged, "spec"), spec});
  redis().command({"XGROUP", "CREATE", key(forged, "tasks"), "workers", "0", "MKSTREAM"});
  redis().command(
      {"XADD", key(forged, "tasks"), "*", "i", "1", "a", "1", "r", "/", "p", "etc/passwd"});
  redis().command({"XADD", key(forged, "results"), "*", "b", "x"});
  redis().command({"HSET", "photoscribe:runs", forged, "9 9 evil"});
  // Specs that cannot be read at all, and names that are no incarnation.
  redis().command({"SET", key(std::string(32, 'e'), "spec"), std::string(100'000, '\xff')});
  redis().command({"HSET", "photoscribe:runs", std::string(32, 'e'), "1 0 broken"});
  redis().command({"HSET", "photoscribe:runs", "../../etc", "1 0 x"});
  redis().command({"HSET", "photoscribe:runs", std::string(32, 'd'), "not a listing"});

  ASSERT_TRUE(eventually([&] { return worker_logs().find(forged) != std::string::npos; }));
  expect_unharmed(run);

  EXPECT_EQ(redis().number({"XLEN", key(forged, "tasks")}), 1) << "nobody took the forged task";
  EXPECT_LE(occurrences(worker_logs(), forged), 2) << worker_logs();
}

}  // namespace
}  // namespace photoscribe::test
