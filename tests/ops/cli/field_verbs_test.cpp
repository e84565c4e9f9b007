// Verbs as processes: move and forget, and what people type by mistake.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "ops/cli/doctor/doctor_checks.h"
#include "tests/ops/cli/program.h"
#include "tests/scheduler/store/store_fixture.h"
#include "tests/support/redis_server.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class FieldVerbs : public test::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    std::filesystem::create_directory(folder_.file("archive2"));
    scan_root("news", folder_.file("news"));
  }
  void scan_root(const std::string& name, const std::string& folder) {
    Scan one = test::must(store().begin_scan(run_, {{name, folder}}));
    test::must(one.add(std::vector<FoundFile>{test::file("a.jpg"), test::file("b.jpg")}));
    test::must(one.finish(std::vector<Scan::Walked>(1), {}));
    std::vector<Result> results;
    for (const Task& task : take()) {
      results.push_back(task.path == "b.jpg" ? test::failed(task, Reason::truncated)
                                             : test::captioned(task, "a dog"));
    }
    record(std::move(results));
  }
  std::vector<std::string> uris() const {
    return test::plain_rows(database(), "SELECT uri FROM caption_result ORDER BY 1");
  }
};

TEST_F(FieldVerbs, Issue13MoveMakesOneRootOfTheTwoPlacesOfAnArchive) {
  scan_root("archive2", folder_.file("archive2"));
  store_.reset();

  const ChildOutput unasked =
      photoscribe({"move", database(), folder_.file("news"), folder_.file("archive2")});
  const ChildOutput moved = photoscribe(
      {"move", database(), folder_.file("news"), folder_.file("archive2"), "--yes", "--json"});

  EXPECT_EQ(unasked.exit_status, 2);
  EXPECT_THAT(unasked.err, HasSubstr("--yes"));
  ASSERT_EQ(moved.exit_status, 0) << moved.err;
  const json summary = json::parse(moved.out);
  EXPECT_EQ(summary["roots"][0]["twice"], 2);
  EXPECT_THAT(uris(), ElementsAre(folder_.file("archive2/a.jpg"), folder_.file("archive2/b.jpg")));
  EXPECT_EQ(test::plain_rows(summary["backup"], "SELECT uri FROM caption_result").size(), 4U);
}

TEST_F(FieldVerbs, Issue13ForgetTakesRowsAwayAndKeepsACopy) {
  store_.reset();

  const ChildOutput unasked = photoscribe({"forget", database(), "--root", "news"});
  const ChildOutput nothing = photoscribe({"forget", database(), "--vanished", "--yes"});
  const ChildOutput unknown = photoscribe({"forget", database(), "--root", "nosuch", "--yes"});
  const ChildOutput gone = photoscribe({"forget", database(), "--root", "news", "--yes"});

  EXPECT_EQ(photoscribe({"forget", database()}).exit_status, 2);
  EXPECT_EQ(unasked.exit_status, 2);
  EXPECT_THAT(unasked.err, AllOf(HasSubstr("2 photos"), HasSubstr("--yes")));
  EXPECT_THAT(nothing.out, HasSubstr("nothing was changed"));
  EXPECT_THAT(unknown.err, HasSubstr("the database has: news"));
  ASSERT_EQ(gone.exit_status, 0) << gone.err;
  EXPECT_THAT(gone.out, AllOf(HasSubstr("Forgot 2 photos (1 caption"), HasSubstr("To undo")));
  EXPECT_TRUE(uris().empty());
  int copies = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    copies += entry.path().filename().string().starts_with("archive.db.before-forget-") ? 1 : 0;
  }
  EXPECT_EQ(copies, 1);
}

TEST_F(FieldVerbs, Issue13DeadShowTakesANumberAlone) {
  store_.reset();
  const std::vector<std::string> here{"PHOTOSCRIBE_DATABASE=" + database()};

  const ChildOutput alone = photoscribe({"dead", "show", "2"}, here);
  const ChildOutput two = photoscribe({"dead", "show", "2", "1"}, here);
  const ChildOutput named = photoscribe({"dead", "show", database(), "2"});

  EXPECT_EQ(alone.exit_status, 0) << alone.err;
  EXPECT_THAT(alone.out, AllOf(HasSubstr("b.jpg"), HasSubstr("truncated")));
  EXPECT_THAT(two.out, AllOf(HasSubstr("b.jpg"), HasSubstr("a.jpg")));
  EXPECT_EQ(named.out, alone.out);
  EXPECT_EQ(photoscribe({"dead", "show", database()}).exit_status, 2);
}

TEST(Program, Issue13NamesTheVerbAndTheFlagThatWasMeant) {
  const ChildOutput run = photoscribe({"run", "photos", "--modle", "fast"});
  const ChildOutput dead = photoscribe({"dead", "ls", "--resaon=timeout"});
  const ChildOutput worker = photoscribe({"worker", "--rots", "a=/"});

  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("photoscribe run: "), HasSubstr("--modle"),
                             HasSubstr("did you mean --model?")));
  EXPECT_THAT(dead.err, AllOf(HasSubstr("photoscribe dead ls: "), HasSubstr("--reason?")));
  EXPECT_THAT(worker.err, AllOf(HasSubstr("photoscribe worker: "), HasSubstr("--root?")));
}

TEST(Doctor, Issue13GivesTheRemedyThatFitsTheError) {
  test::RedisOptions options;
  options.password = "secret";
  options.tls = true;
  const test::RedisServer server(std::move(options));
  const auto cure = [](const std::string& url, const char* password) {
    setenv("PHOTOSCRIBE_REDIS_PASSWORD", password, 1);
    Config config;
    config.redis.url = url;
    std::string text = check_redis(config).cure;
    unsetenv("PHOTOSCRIBE_REDIS_PASSWORD");
    return text;
  };

  EXPECT_THAT(cure(server.url(), ""), HasSubstr("PHOTOSCRIBE_REDIS_PASSWORD"));
  EXPECT_THAT(cure(server.url(), "wrong"), HasSubstr("PHOTOSCRIBE_REDIS_PASSWORD"));
  const std::string unverified = server.tls_url().substr(0, server.tls_url().find('?'));
  EXPECT_THAT(cure(unverified, "secret"), HasSubstr("?ca=FILE"));
  EXPECT_THAT(cure("unix:/nowhere.sock", ""), HasSubstr("start the server"));
}

}  // namespace
}  // namespace photoscribe::cli
