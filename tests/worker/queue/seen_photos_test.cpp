// Asking Redis for results of photos with the same bytes, on a real server.
#include "worker/queue/seen_photos.h"

#include "tests/worker/queue/consumer_fixture.h"

namespace photoscribe {
namespace {

class SeenPhotosTest : public ConsumerTest {
 protected:
  /// How often the server has done it.
  std::int64_t command_count(const std::string& name) {
    const std::string all = server.command({"INFO", "commandstats"});
    const std::string found = "cmdstat_" + name + ":calls=";
    const auto at = all.find(found);
    return at == std::string::npos ? 0 : std::atoll(all.c_str() + at + found.size());
  }
  SeenPhotosTest() {
    Result result;
    result.image_id = 7;
    result.outcome = Captioned{Caption{"a dog", -2.5, 2}};
    result.blur_scores = test::every_mode(500);
    result.width_px = 640;
    result.height_px = 480;
    result.content_hash = hash;
    ok(queue.note_seen(run, {result}, 10));
  }
  const std::string run = make_run(0);
  const ContentHash hash = sha256_of("abc", 3);
  SeenPhotos seen{*redis::parse_endpoint(server.url()), "test-seen", 10s};
};

TEST_F(SeenPhotosTest, FindsWhatTheRunHasSeen) {
  const auto found = seen.find(run, hash);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->image_id, 7);
  EXPECT_EQ(std::get<Captioned>(found->outcome).caption.text, "a dog");
  EXPECT_EQ(found->blur_scores, test::every_mode(500));
  EXPECT_EQ(found->width_px, 640);
  EXPECT_FALSE(seen.find(run, sha256_of("abd", 3)));
  EXPECT_FALSE(seen.find(make_run(0), hash)) << "another run's";
}

TEST_F(SeenPhotosTest, AnswersManyThreads) {
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back(std::async(std::launch::async, [&] {
      bool every = true;
      for (int k = 0; k < 50; ++k) every = seen.find(run, hash).has_value() && every;
      return every;
    }));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
}

TEST_F(SeenPhotosTest, Issue17AsksForManyPhotosWithTwoCommands) {
  const auto commands = [this] { return command_count("hmget"); };
  const std::string other = make_run(0);
  const auto before = commands();
  std::vector<SeenPhotos::Answer> answers;
  for (std::size_t i = 0; i + 1 < SeenPhotos::kGroup; ++i) {
    answers.push_back(seen.ask(run, i == 3 ? hash : sha256_of(&i, sizeof i)));
  }
  EXPECT_EQ(commands(), before) << "nobody waits";

  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i]().has_value(), i == 3);
  EXPECT_EQ(commands(), before + 2);

  answers.clear();
  for (std::size_t i = 0; i < SeenPhotos::kGroup; ++i) answers.push_back(seen.ask(run, hash));
  EXPECT_TRUE(eventually([&] { return commands() == before + 4; })) << "a group goes by itself";
  for (const auto& answer : answers) EXPECT_TRUE(answer());
  EXPECT_EQ(commands(), before + 4);

  const auto ours = seen.ask(run, hash), theirs = seen.ask(other, hash);
  EXPECT_FALSE(theirs());
  EXPECT_TRUE(ours());
  EXPECT_EQ(commands(), before + 8) << "two for each run";
}

TEST_F(SeenPhotosTest, GoesOnWithAServerThatComesBack) {
  SeenPhotos patient(*redis::parse_endpoint(server.url()), "test-patient", 10s, 1ms);
  ASSERT_TRUE(patient.find(run, hash));
  server.kill();
  EXPECT_FALSE(patient.find(run, hash));
  server.start();
  ok(connection.connect());
  const std::string fresh = make_run(0);
  Result result;
  result.outcome = Blurred{};
  result.blur_scores = test::every_mode(5);
  result.content_hash = hash;
  ok(queue.note_seen(fresh, {result}, 10));
  EXPECT_TRUE(eventually([&] { return patient.find(fresh, hash).has_value(); }));
}

TEST_F(SeenPhotosTest, DoesNotWaitForAServerThatDoesNotAnswer) {
  SeenPhotos hasty(*redis::parse_endpoint(server.url()), "test-hasty", 100ms, 60s);
  server.pause();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(hasty.find(run, hash));
  const auto took = std::chrono::steady_clock::now() - start;
  server.resume();
  EXPECT_LT(took, 5s) << "after one wait nobody is asked for a while";
}

}  // namespace
}  // namespace photoscribe
