// Runs with a rate, with hours and with something to call at their end: real processes.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <future>

#include "tests/scheduler/run/run_batch_fixture.h"

namespace photoscribe::test {
namespace {

namespace asio = boost::asio;
using ::testing::Contains;
using ::testing::HasSubstr;

class Schedule : public RunBatch {
 protected:
  std::string text_of(const std::string& name) const {
    std::ifstream in(folder_.file(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// A POST to a server of one answer; what it was sent.
  std::string post_to(const std::string& answer, const std::function<void(std::string)>& run_with) {
    asio::io_context io;
    asio::ip::tcp::acceptor door(io, {asio::ip::address_v4::loopback(), 0});
    auto served = std::async(std::launch::async, [&] {
      asio::ip::tcp::socket client(io);
      door.accept(client);
      std::string sent;
      boost::system::error_code failed;
      while (sent.find("}") == std::string::npos && !failed) {
        char chunk[1024];
        const std::size_t got = client.read_some(asio::buffer(chunk), failed);
        sent.append(chunk, got);
      }
      asio::write(client, asio::buffer(answer), failed);
      return sent;
    });
    run_with("http://127.0.0.1:" + std::to_string(door.local_endpoint().port()) +
             "/hook?key=s3cret");
    return served.get();
  }
};

TEST_F(Schedule, HoldsItsRateForAnyNumberOfWorkers) {
  add_photos(0, 90);
  RunRequest limited = request();
  limited.workers = 2;
  limited.schedule.rate_per_s = 60;

  const RunSummary summary = run(limited);

  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_GE(summary.captioning_s, 1.0);  // 90 photos at 60/s, less what the first second holds
  EXPECT_LE(summary.photos_per_s, 90);
}

TEST_F(Schedule, WaitsForItsHoursWithoutWorkersAndGoesOnWithin) {
  constexpr int kPhotos = 240;
  add_photos(0, kPhotos);
  RunRequest nightly = slow_request();
  const std::int64_t midnight = 1'764'000'000 / 86'400 * 86'400;
  ::setenv("TZ", "UTC0", 1);
  ::tzset();
  auto hour = std::make_shared<std::atomic<int>>(12);
  nightly.unix_clock = [=] { return midnight + hour->load() * 3'600; };
  nightly.schedule.between = "22:00-06:00";
  int closed_at = -1;
  std::size_t workers_out_of_hours = 99;
  watcher_.act = [&](const RunProgress& now) {
    const auto finished = static_cast<int>(now.done + now.blurred + now.failed);
    if (*hour == 12 && now.phase == "waiting until 22:00") {
      workers_out_of_hours = workers().size();
      EXPECT_EQ(finished, 0);
      *hour = 23;
    } else if (*hour == 23 && finished > 10 && closed_at < 0) {
      *hour = 30;  // six in the morning
      closed_at = finished;
    } else if (*hour == 30 && now.phase == "waiting until 22:00" && now.workers_alive == 0) {
      EXPECT_LT(finished, kPhotos);
      *hour = 46;
      hurry();
    }
  };

  const RunSummary summary = run(nightly);
  ::unsetenv("TZ");
  ::tzset();

  EXPECT_EQ(workers_out_of_hours, 0U);
  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.total - summary.pending, kPhotos);
  EXPECT_EQ(*hour, 46);
  EXPECT_EQ(summary.worker_restarts, 0);
  EXPECT_THAT(watcher_.events, Contains(HasSubstr("out of hours (22:00-06:00)")));
}

TEST_F(Schedule, CallsACommandWithoutAShellAndTellsHowItEnded) {
  add_photos(0, 12);
  RunRequest calling = request();
  calling.schedule.on_finish =
      "env 'A=$HOME; b' sh -c 'env | grep -E \"^(A|PHOTOSCRIBE_)\"; exit 3' " +
      folder_.file("secret-argument");
  for (const char* secret : {"PHOTOSCRIBE_REDIS_PASSWORD", "PHOTOSCRIBE_SENTINEL_PASSWORD"})
    ::setenv(secret, "unseen", 1);

  const RunSummary summary = run(calling);
  for (const char* secret : {"PHOTOSCRIBE_REDIS_PASSWORD", "PHOTOSCRIBE_SENTINEL_PASSWORD"})
    ::unsetenv(secret);

  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_THAT(watcher_.events, Contains("on-finish env: exit status 3"));
  const std::string seen = text_of("archive.db.state/on_finish.log");
  EXPECT_THAT(seen, HasSubstr("A=$HOME; b\n"));
  EXPECT_THAT(seen, HasSubstr("PHOTOSCRIBE_RUN_END=complete\n"));
  EXPECT_THAT(seen, HasSubstr("PHOTOSCRIBE_RUN_FAILED=1\n"));
  EXPECT_THAT(seen, HasSubstr("PHOTOSCRIBE_RUN_DATABASE=" + folder_.file("archive.db")));
  EXPECT_THAT(seen, ::testing::Not(HasSubstr("unseen")));
}

TEST_F(Schedule, PostsTheEndAndSaysNothingOfTheAddressBehindItsHost) {
  add_photos(0, 12);

  const std::string sent = post_to("HTTP/1.1 204 No Content\r\n\r\n", [&](std::string address) {
    RunRequest calling = request();
    calling.schedule.on_finish = address;
    calling.run = "2024";  // a name, not a number
    EXPECT_EQ(run(calling).end, RunEnd::complete);
  });

  EXPECT_THAT(sent, HasSubstr("POST /hook?key=s3cret HTTP/1.1"));
  EXPECT_THAT(sent, HasSubstr("\"end\":\"complete\""));
  EXPECT_THAT(sent, HasSubstr("\"total\":12"));
  EXPECT_THAT(sent, HasSubstr("\"name\":\"2024\""));
  EXPECT_THAT(watcher_.events, Contains("on-finish 127.0.0.1: HTTP status 204"));
}

TEST_F(Schedule, EndsAsBeforeWhenTheCallFails) {
  add_photos(0, 3);
  RunRequest calling = request();
  calling.schedule.on_finish = "http://127.0.0.1:1/";
  EXPECT_EQ(run(calling).end, RunEnd::complete);
  EXPECT_THAT(watcher_.events, Contains(HasSubstr("on-finish 127.0.0.1: connect")));

  calling.schedule.on_finish = "no-such-program-anywhere";
  EXPECT_EQ(run(calling).end, RunEnd::complete);
  EXPECT_THAT(watcher_.events, Contains(HasSubstr("no-such-program-anywhere")));

  calling.schedule.on_finish = "'open";
  StopHandle stop;
  EXPECT_FALSE(run_batch(calling, watcher_, stop));
}

}  // namespace
}  // namespace photoscribe::test
