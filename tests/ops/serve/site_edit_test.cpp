// What the page changes: captions, runs, thresholds.
#include <gmock/gmock.h>

#include "tests/ops/serve/serve_fixture.h"

namespace photoscribe::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(Serve, ChangesNothingWithoutEdit) {
  start();
  const std::string photo = "/api/photos/" + std::to_string(id_of("two%.jpg"));
  EXPECT_EQ(server_->post(photo + "/caption", {{"action", "set"}, {"caption", "x"}}).status, 403);
  EXPECT_EQ(server_->post("/api/runs/1/control", {{"action", "pause"}}).status, 403);
  EXPECT_EQ(server_->post("/api/runs/1/blur", {{"threshold", 1}}).status, 403);
  EXPECT_THAT(plain_rows(database(), "SELECT * FROM caption_edit"), ElementsAre());
  EXPECT_THAT(plain_rows(database(), "SELECT control FROM run"), ElementsAre("running"));
}

TEST_F(Serve, EditsCaptionsBesideTheWriter) {
  start({"--edit"});
  const std::string photo = "/api/photos/" + std::to_string(id_of("two%.jpg"));
  const auto edit = [&](const json& body) {
    return server_->post(photo + "/caption", body).status;
  };
  EXPECT_EQ(edit({{"action", "set"}, {"caption", "zwei Hunde, \"Strand\""}}), 200);
  EXPECT_EQ(server_->get(photo)["edited_caption"], "zwei Hunde, \"Strand\"");
  EXPECT_EQ(server_->get(photo)["caption"], "two dogs on a beach") << "the model's stays";
  EXPECT_THAT(names("edited=1"), ElementsAre("two%.jpg"));
  EXPECT_EQ(edit({{"action", "approve"}}), 409) << "a person's words are not lost by one key";
  EXPECT_EQ(edit({{"action", "unset"}}), 200);
  EXPECT_EQ(edit({{"action", "approve"}}), 200);
  EXPECT_EQ(server_->get(photo)["approved"], true);
  EXPECT_EQ(server_->get(photo)["edited_caption"], "two dogs on a beach");
  EXPECT_EQ(edit({{"action", "unset"}}), 200);
  EXPECT_EQ(server_->get(photo)["edited_caption"], nullptr);
  const json edits = server_->get(photo)["edits"];
  ASSERT_EQ(edits.size(), 4U);
  EXPECT_EQ(edits[0]["action"], "set");
  EXPECT_NE(edits[0]["edited_by"], "");

  EXPECT_EQ(edit({{"action", "set"}, {"caption", "  "}}), 400);
  EXPECT_EQ(edit({{"action", "set"}, {"caption", std::string(5000, 'x')}}), 400);
  EXPECT_EQ(edit({{"action", "drop"}}), 400);
  EXPECT_EQ(edit(json::array()), 400);
  EXPECT_EQ(server_
                ->call({"POST",
                        photo + "/caption",
                        {{"Content-Type", "application/json"}},
                        "{\"action\": \"\xff\"}"})
                .status,
            400);
  EXPECT_EQ(server_->post("/api/photos/4711/caption", {{"action", "unset"}}).status, 404);
  const std::string late = "/api/photos/" + std::to_string(id_of("late.jpg"));
  EXPECT_EQ(server_->post(late + "/caption", {{"action", "approve"}}).status, 404)
      << "no caption yet";
}

TEST_F(Serve, SteersRunsWhenNobodyElseWrites) {
  store_.reset();  // and its lock
  start({"--edit"});
  EXPECT_EQ(server_->post("/api/runs/1/control", {{"action", "pause"}}).status, 200);
  EXPECT_EQ(server_->get("/api/runs")["runs"][0]["control"], "paused");
  EXPECT_EQ(server_->post("/api/runs/1/control", {{"action", "resume"}}).status, 200);
  EXPECT_EQ(server_->post("/api/runs/1/control", {{"action", "explode"}}).status, 400);
  EXPECT_EQ(
      server_->post("/api/runs/1/control", {{"action", "retry"}, {"reasons", {"timeout"}}}).status,
      200);
  EXPECT_EQ(server_->get("/api/runs")["runs"][0]["failed"], 1);
  const std::string broken = "/api/photos/" + std::to_string(id_of("broken.jpg"));
  EXPECT_EQ(json::parse(server_->post(broken + "/retry", json::object()).body)["photos"], 1);
  EXPECT_EQ(server_->get("/api/runs")["runs"][0]["failed"], 0);
}

TEST_F(Serve, JudgesByAnotherThresholdFromTheBlurDesk) {
  store_.reset();
  start({"--edit"});
  const json desk = server_->get("/api/blur?run=1&threshold=10");
  EXPECT_EQ(desk["would_clear"], 1);
  EXPECT_EQ(desk["would_blur"], 0);
  EXPECT_EQ(desk["clear"], 3);
  EXPECT_EQ(desk["rows"].size(), 3U);
  EXPECT_EQ(server_->get("/api/blur?run=1&threshold=500")["would_blur"], 1);
  EXPECT_EQ(server_->post("/api/runs/1/blur", {{"threshold", 10}}).status, 200);
  EXPECT_EQ(server_->get("/api/runs")["runs"][0]["blurred"], 0);
  EXPECT_EQ(server_->get("/api/runs")["runs"][0]["blur_threshold"], 10);
  EXPECT_EQ(server_->post("/api/runs/1/blur", {{"threshold", -1}}).status, 400);
  EXPECT_EQ(server_->post("/api/runs/1/blur", {{"threshold", "x"}}).status, 400);
}

TEST_F(Serve, LeavesTheThresholdToTheWriter) {
  start({"--edit"});
  const HttpReply reply = server_->post("/api/runs/1/blur", {{"threshold", 10}});
  EXPECT_EQ(reply.status, 409);
  EXPECT_THAT(reply.body, HasSubstr("when it has ended"));
}

TEST_F(Serve, Issue16EditsThePhotoOfANumberWhateverOthersAreCalled) {
  const std::int64_t id = 2;
  scan({file("a/one \"1\".jpg"), file("a/caf\xe9.jpg"), file("b/deep/broken.jpg"),
        file("b/late.jpg"), file("b/two%.jpg"), file("b/" + std::to_string(id))});
  start({"--edit"});
  const std::string caption = "/api/photos/" + std::to_string(id) + "/caption";
  EXPECT_EQ(server_->post(caption, {{"action", "set"}, {"caption", "a cat"}}).status, 200);
  EXPECT_EQ(plain_rows(database(), "SELECT path FROM caption_edit"),
            plain_rows(database(), "SELECT path FROM image WHERE image_id = 2"));
  EXPECT_EQ(server_->post("/api/photos/99/caption", {{"action", "set"}, {"caption", "x"}}).status,
            404);
}

}  // namespace
}  // namespace photoscribe::test
