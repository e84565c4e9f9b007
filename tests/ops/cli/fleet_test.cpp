// A run that no worker can serve, as status and doctor report it; and one that continues when its
// terminal closes. Processes on a real Redis server.
#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "common/core/model_folder.h"
#include "common/core/worker_report.h"
#include "ops/cli/run/writer.h"
#include "scheduler/run/serve.h"
#include "scheduler/run/submit.h"
#include "tests/ops/cli/program.h"
#include "tests/scheduler/run/run_batch_fixture.h"
#include "tests/support/redis_server.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Fleet : public test::RunBatch {
 protected:
  void serve() {
    add_photos(0, 5);
    {
      StopHandle stop;
      Expected<Store> store = Store::open_writer(database());
      ASSERT_TRUE(store && take_submission(*store, request(), watcher_, stop));
    }
    ServeRequest made;
    made.database = database();
    made.redis_url = server_.url();
    running_ = std::async(std::launch::async,
                          [this, made] { return serve_runs(made, watcher_, stop_).has_value(); });
    for (int i = 0; i < 6'000 && !current_writer(database()); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void TearDown() override {
    stop_.request();
    if (!running_.valid()) return;
    EXPECT_TRUE(running_.get());
  }
  void report(const std::string& name, char model, const std::string& root) {
    WorkerReport made;
    made.name = name;
    made.host = "gpu7";
    made.pid = 4711;
    made.model_hash = std::string(64, model);
    made.model_name = "best";
    made.devices = {"cuda:0"};
    made.roots[root] = "";
    made.photos_per_s = 12;
    server_.command({"HSET", "photoscribe:fleet", name,
                     server_.command({"TIME"}).substr(1, 10) + " " + to_json(made)});
  }
  std::string database() const { return folder_.file("archive.db"); }

  test::RedisServer server_;
  StopHandle stop_;
  std::future<bool> running_;
};

TEST_F(Fleet, Issue13StatusAndDoctorSayWhichRunWaitsForWhatAndWhatEachWorkerLacks) {
  serve();
  report("w-model", 'b', "photos");
  report("w-root", 'a', "elsewhere");

  const ChildOutput text = photoscribe({"status", database(), "--workers"});
  report("w-model", 'b', "photos");  // as they do, again and again
  report("w-root", 'a', "elsewhere");
  const json machine = json::parse(photoscribe({"status", database(), "--workers", "--json"}).out);
  report("w-model", 'b', "photos");
  const ChildOutput doctor = photoscribe({"doctor", "-o", database(), "--run", "default"});

  EXPECT_THAT(text.out, AllOf(HasSubstr("run default: waiting for a worker"),
                              HasSubstr("model test aaaaaaaaaaaa and the root photos"),
                              HasSubstr("w-model (host gpu7, process 4711): the run asks for"),
                              HasSubstr("start it with --root photos=FOLDER")))
      << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("last beat"), HasSubstr("cuda:0"), HasSubstr("12"),
                              HasSubstr("best bbbbbbbbbbbb"), HasSubstr("elsewhere")));
  EXPECT_THAT(machine["runs"][0]["waits"], HasSubstr("w-root"));
  ASSERT_EQ(machine["workers"].size(), 2U);
  EXPECT_EQ(machine["workers"][0]["devices"][0], "cuda:0");
  EXPECT_EQ(doctor.exit_status, 3);
  EXPECT_THAT(doctor.out, AllOf(HasSubstr("no worker can process the run's photos"),
                                Not(HasSubstr("All is well"))));

  report("w-both", 'a', "photos");
  EXPECT_EQ(json::parse(photoscribe({"status", database(), "--json"}).out)["runs"][0]["waits"],
            nullptr);
}

TEST_F(Fleet, AsksTheRedisThatIsNamedWhereNoSchedulerIsAtWork) {
  add_photos(0, 1);
  StopHandle stop;
  {
    Expected<Store> store = Store::open_writer(database());
    ASSERT_TRUE(store && take_submission(*store, request(), watcher_, stop));
  }
  report("w-1", 'a', "photos");

  const ChildOutput named =
      photoscribe({"status", database(), "--workers", "--redis", server_.url()});
  const ChildOutput unnamed = photoscribe({"status", database(), "--workers"});

  EXPECT_THAT(named.out, HasSubstr("w-1"));
  EXPECT_EQ(unnamed.exit_status, 3);
  EXPECT_THAT(unnamed.err, HasSubstr("--redis URL"));
}

class Detach : public test::RunBatch {
 protected:
  void SetUp() override {
    RunBatch::SetUp();
    std::filesystem::create_directory(folder_.file("model"));
    folder_.write("model/model.yaml", to_yaml(ModelArchitecture(), SearchSettings()));
    folder_.write("model/vocab.txt", "<pad>\n<start>\n<end>\n<unk>\na\n");
    folder_.write("model/weights.safetensors", "weights");
  }
  ChildOutput typed(std::vector<std::string> words) const {
    return photoscribe(words, {"PHOTOSCRIBE_WORKER_EXECUTABLE=" PHOTOSCRIBE_FAKE_WORKER,
                               "PHOTOSCRIBE_MODEL=" + folder_.file("model"),
                               "PHOTOSCRIBE_DATABASE=" + folder_.file("archive.db")});
  }
  std::string log() const {
    std::ifstream in(folder_.file("archive.db.state/run.log"));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// The summary is printed after the database is released, which is what `drain --wait` waits for.
  std::string log_with(const std::string& text) const {
    for (int i = 0; i < 6'000 && log().find(text) == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return log();
  }
};

TEST_F(Detach, Issue13GoesOnInTheBackgroundWhereStatusAndDrainFindIt) {
  add_photos(0, 400);

  const ChildOutput started =
      typed({"run", folder_.file("photos"), "--rate", "40", "--workers", "1", "--detach"});

  EXPECT_EQ(started.exit_status, 0) << started.err;
  EXPECT_THAT(started.out, AllOf(HasSubstr("photoscribe status"), HasSubstr("run.log")));
  const std::optional<pid_t> writer = current_writer(folder_.file("archive.db"));
  ASSERT_TRUE(writer);
  EXPECT_THAT(started.out, HasSubstr(std::to_string(*writer)));
  EXPECT_EQ(getsid(*writer), *writer) << "a terminal that closes does not reach it";
  EXPECT_THAT(typed({"status"}).out, HasSubstr("run.log"));

  const ChildOutput drained = typed({"drain", "--wait"});

  EXPECT_EQ(drained.exit_status, 0) << drained.err;
  EXPECT_THAT(log_with("to do"), HasSubstr("to do"));
  EXPECT_FALSE(current_writer(folder_.file("archive.db")));
}

TEST_F(Detach, AFileThatEndsWithThisCommandIsRefusedByName) {
  add_photos(0, 1);
  for (const char* const word : {"--references=/dev/fd/0", "--references=/proc/self/fd/0"}) {
    const ChildOutput refused = typed({"run", folder_.file("photos"), word, "--detach"});
    EXPECT_EQ(refused.exit_status, 2) << word;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("/fd/0"), HasSubstr("write it to a file"))) << word;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.file("archive.db")));
}

TEST_F(Detach, ReportsAtOnceWhatKeepsItFromStarting) {
  add_photos(0, 3);
  const Expected<Store> held = Store::open_writer(folder_.file("archive.db"));

  const ChildOutput refused = typed({"run", folder_.file("photos"), "--detach"});

  EXPECT_EQ(refused.exit_status, 3);
  EXPECT_THAT(refused.err, HasSubstr("photoscribe run: "));
}

}  // namespace
}  // namespace photoscribe::cli
