// What is remembered of photos by their content, on a real server.
#include <gmock/gmock.h>

#include "tests/common/redis/queue_fixture.h"

namespace photoscribe::redis {
namespace {

class SeenTest : public QueueTest {
 protected:
  static ContentHash hash_of(std::int64_t image) { return sha256_of(&image, sizeof image); }
  static Result seen(std::int64_t image) {
    Result result;
    result.image_id = image;
    result.attempt = 3;
    result.outcome = Captioned{Caption{"photo " + std::to_string(image), -2.5, 2}};
    result.blur_scores = test::every_mode(500);
    result.content_hash = hash_of(image);
    return result;
  }
  void note(std::int64_t image, std::int64_t generation_max = 100) {
    ok(queue.note_seen(inc, {seen(image)}, generation_max));
  }
  std::optional<Result> find(std::int64_t image) {
    return ok(worker_queue.find_seen({{inc, hash_of(image)}})).at(0);
  }
  bool knows(std::int64_t image) { return find(image).has_value(); }
};

TEST_F(SeenTest, IsFoundByItsBytes) {
  Result blurred = seen(2);
  blurred.outcome = Blurred{};
  ok(queue.note_seen(inc, {seen(1), blurred}, 100));

  const auto answers = ok(worker_queue.find_seen(
      {{inc, hash_of(2)}, {inc, hash_of(3)}, {inc, hash_of(1)}, {new_incarnation(), hash_of(1)}}));

  ASSERT_EQ(answers.size(), 4U);
  const std::optional<Result>& first = answers[2];
  const std::optional<Result>& second = answers[0];
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(answers[1] || answers[3]);
  EXPECT_EQ(first->image_id, 1);
  EXPECT_EQ(std::get<Captioned>(first->outcome).caption.text, "photo 1");
  EXPECT_TRUE(std::holds_alternative<Blurred>(second->outcome));
}

TEST_F(SeenTest, IsForgottenWhenAsked) {
  note(1, 1);
  note(2, 1);
  ok(queue.forget_seen(inc));
  EXPECT_EQ(server.number({"EXISTS", key("seen"), key("seen_before")}), 0);
}

TEST_F(SeenTest, KeepsTwoGenerations) {
  for (std::int64_t image = 1; image <= 6; ++image) note(image, 2);  // 1 2 | 3 4 | 5 6

  EXPECT_FALSE(knows(1));
  EXPECT_FALSE(knows(2));
  for (std::int64_t image = 3; image <= 6; ++image) EXPECT_TRUE(knows(image)) << image;
  EXPECT_EQ(server.number({"HLEN", key("seen")}), 2);
  EXPECT_EQ(server.number({"HLEN", key("seen_before")}), 2);
}

TEST_F(SeenTest, ExpiresAndGoesWithTheRun) {
  note(1, 1);
  note(2, 1);
  for (const char* one : {"seen", "seen_before"}) {
    EXPECT_GT(server.number({"TTL", key(one)}), 600'000) << one;
  }
  ok(queue.delete_runs({inc}));
  EXPECT_EQ(server.number({"EXISTS", key("seen"), key("seen_before")}), 0);
  EXPECT_EQ(error(queue.note_seen(inc, {seen(1)}, 10)), Errc::run_gone);
  EXPECT_EQ(server.number({"EXISTS", key("seen")}), 0) << "no key of a run that is gone (H11)";
  EXPECT_FALSE(knows(1));
}

TEST_F(SeenTest, AForgedValueIsNotBelieved) {
  const ContentHash hash = hash_of(1);
  const std::string field(hash.begin(), hash.end());
  Result failed = seen(1);
  failed.outcome = Failed{Reason::truncated, "no result to take over"};
  ResultBatch two;
  two.results = {seen(1), seen(2)};
  ResultBatch bad;
  bad.results = {failed};
  for (const std::string& value :
       {std::string(), std::string("a dog"), std::string(5'000, '\xff'), encode_results(two),
        encode_results(bad), encode_results(ResultBatch())}) {
    server.command({"HSET", key("seen"), field, value});
    EXPECT_FALSE(knows(1)) << value.substr(0, 20);
  }
  server.command({"DEL", key("seen")});
  server.command({"SET", key("seen"), "not even a hash"});
  EXPECT_EQ(error(worker_queue.find_seen({{inc, hash}})), Errc::run_gone)
      << "the keys are made anew";
}

}  // namespace
}  // namespace photoscribe::redis
