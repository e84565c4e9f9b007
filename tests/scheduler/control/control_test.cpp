// Requests and answers as lines, and the socket that carries them.
#include "scheduler/control/control.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "scheduler/control/control_socket.h"
#include "scheduler/store/store.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe {
namespace {

using test::must;
using ::testing::HasSubstr;

TEST(Control, CarriesARequestAndAReplyWhole) {
  ControlRequest request;
  request.verb = ControlVerb::retry;
  request.run = "caf\xc3\xa9 \"2026\"\n";
  request.reasons = {Reason::timeout, Reason::crashed_worker};
  request.images = {1, 9'000'000'000};
  ControlReply reply;
  reply.run = "x";
  reply.control = RunControl::cancelled;
  reply.changed = reply.served = true;
  reply.photos = 5;
  reply.pending = 12;

  EXPECT_EQ(must(parse_request(to_line(request))), request);
  EXPECT_EQ(must(parse_reply(to_line(Expected<ControlReply>(reply)))), reply);
  const auto error = parse_reply(to_line(Expected<ControlReply>(fail(Errc::usage, "no run"))));
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().code, Errc::usage);
  EXPECT_EQ(error.error().message, "no run");
}

TEST(Control, RefusesWhatIsNoRequest) {
  const std::string nested(200'000, '[');
  for (const std::string& line :
       {std::string(), std::string("x"), std::string("[]"), std::string("{}"), nested,
        std::string(R"({"verb":"rm"})"), std::string(R"({"verb":7})"),
        std::string(R"({"verb":"retry","run":[]})"),
        std::string(R"({"verb":"retry","reasons":["nobody's"]})"),
        std::string(R"({"verb":"retry","reasons":"timeout"})"),
        std::string(R"({"verb":"retry","images":[1.5]})"),
        std::string(R"({"verb":"retry","images":["1"]})"),
        R"({"verb":"pause","run":")" + std::string(2'000, 'a') + "\"}",
        R"({"verb":"pause","run":")" + std::string(kControlLineMax, 'a') + "\"}"}) {
    const auto request = parse_request(line);
    ASSERT_FALSE(request) << line.substr(0, 60);
    EXPECT_EQ(request.error().code, Errc::bad_payload);
  }
}

TEST(Control, PicksTheNamedTheOnlyOrTheServedRun) {
  RunRow first, second;
  first.id = 1;
  first.name = "default";
  second.id = 2;
  second.name = "other";

  EXPECT_EQ(must(pick_run({first}, "")).id, 1);
  EXPECT_EQ(must(pick_run({first, second}, "other")).id, 2);
  EXPECT_EQ(must(pick_run({first, second}, "", {2})).id, 2);
  EXPECT_THAT(pick_run({first, second}, "").error().message, HasSubstr("default, other"));
  EXPECT_THAT(pick_run({first, second}, "", {1, 2}).error().message, HasSubstr("--run"));
  EXPECT_THAT(pick_run({first}, "x").error().message, HasSubstr("no run \"x\""));
  EXPECT_FALSE(pick_run({}, ""));
}

class ControlStore : public test::StoreTest {};

TEST_F(ControlStore, RetriesWhatIsNamedAndKeepsWhatIsAsked) {
  scan({test::file("a.jpg"), test::file("b.jpg"), test::file("c.jpg")});
  const auto tasks = take();
  record({test::failed(tasks[0], Reason::timeout), test::failed(tasks[1], Reason::truncated),
          test::failed(tasks[2], Reason::truncated)});
  ControlRequest request;
  request.verb = ControlVerb::retry;
  request.images = {tasks[2].image_id, 999};

  const AppliedRequest one = must(apply_request(store(), request));

  EXPECT_EQ(one.reply.photos, 1);
  EXPECT_EQ(one.counts.asked.pending, 1);
  request.images.clear();
  request.reasons = {Reason::timeout};
  EXPECT_EQ(must(apply_request(store(), request)).reply.photos, 1);
  EXPECT_EQ(must(apply_request(store(), request)).reply.photos, 0);
  const auto dead = must(store().failed_images(run(), {}, 10));
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].image_id, tasks[1].image_id);
  EXPECT_EQ(must(store().attempts(tasks[1].image_id))[0].reason, "truncated");

  request = ControlRequest{ControlVerb::pause, "", {}, {}, ""};
  EXPECT_TRUE(must(apply_request(store(), request)).reply.changed);
  EXPECT_FALSE(must(apply_request(store(), request)).reply.changed);
  EXPECT_EQ(must(store().run(run())).control, RunControl::paused);
  expect_counts_are_true();
}

/// A server that answers with the number of images asked about.
class ControlSocket : public ::testing::Test {
 protected:
  void serve(const std::string& folder) {
    must(server_.open(folder));
    thread_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    boost::asio::post(io_, [this] { server_.close(); });
    if (thread_.joinable()) thread_.join();
  }
  static asio::awaitable<Expected<ControlReply>> answer(ControlRequest request) {
    ControlReply reply;
    reply.run = request.run;
    reply.photos = static_cast<std::int64_t>(request.images.size());
    co_return reply;
  }
  static ControlRequest retry(std::int64_t images) {
    ControlRequest request;
    request.verb = ControlVerb::retry;
    for (std::int64_t i = 0; i < images; ++i) request.images.push_back(i);
    return request;
  }

  test::TempDir folder_;
  asio::io_context io_{1};
  ControlServer server_{io_, answer};
  std::thread thread_;
};

TEST_F(ControlSocket, AnswersALongRequestAndOnlyTheOwner) {
  serve(folder_.path().string());

  const auto reply =
      must(ask_scheduler(folder_.path().string(), retry(40'000), std::chrono::seconds(10)));

  EXPECT_EQ(reply.photos, 40'000);
  struct stat about {};
  ASSERT_EQ(::stat(folder_.file("control").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_F(ControlSocket, LivesInAFolderWhoseNameIsTooLongForASocket) {
  const std::string folder = folder_.file(std::string(150, 'd'));
  std::filesystem::create_directory(folder);
  serve(folder);

  EXPECT_EQ(must(ask_scheduler(folder, retry(3), std::chrono::seconds(10))).photos, 3);
}

TEST_F(ControlSocket, ReplacesWhatAKilledSchedulerLeftAndLeavesNothing) {
  folder_.write("control", "");
  serve(folder_.path().string());
  EXPECT_TRUE(ask_scheduler(folder_.path().string(), retry(1), std::chrono::seconds(10)));

  TearDown();

  EXPECT_FALSE(std::filesystem::exists(folder_.file("control")));
  const auto reply = ask_scheduler(folder_.path().string(), retry(1), std::chrono::seconds(1));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::run_gone);
}

TEST_F(ControlSocket, IsNotHeldUpByOthersWhoSayNothing) {
  serve(folder_.path().string());
  std::vector<int> silent;
  for (int i = 0; i < 8; ++i) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, folder_.file("control").c_str(), sizeof address.sun_path - 1);
    silent.push_back(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(silent.back(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }

  EXPECT_TRUE(ask_scheduler(folder_.path().string(), retry(1), std::chrono::seconds(10)));
  TearDown();  // ends although they are still there
  for (const int descriptor : silent) ::close(descriptor);
}

}  // namespace
}  // namespace photoscribe
