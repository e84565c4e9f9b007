// The check after every scenario must be able to fail: it is shown databases that lost, doubled,
// mixed up or blamed.
#include <gtest/gtest-spi.h>
#include <sqlite3.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "tests/chaos/chaos.h"

namespace photoscribe::test {
namespace {

class Check : public Chaos {
 protected:
  void SetUp() override {
    Chaos::SetUp();
    begin(6);
    Process run = start();
    finish(run);
    ASSERT_FALSE(HasFailure());
  }
  void change(const std::string& sql) const {
    sqlite3* raw = nullptr;
    sqlite3_open(database().c_str(), &raw);
    const std::unique_ptr<sqlite3, int (*)(sqlite3*)> db(raw, sqlite3_close_v2);
    ASSERT_EQ(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(raw);
  }
  /// How many failures the check reports now.
  int complaints() {
    ::testing::TestPartResultArray all;
    const ::testing::ScopedFakeTestPartResultReporter caught(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &all);
    expect_nothing_lost();
    return all.size();
  }
};

TEST_F(Check, SeesWhatIsLostDoubledMixedUpOrBlamed) {
  ASSERT_EQ(complaints(), 0);
  const std::string good = database() + ".good";
  std::filesystem::copy_file(database(), good);
  const std::map<std::string, std::string> damages{
      {"lost", "DELETE FROM result WHERE image_id = 3"},
      {"doubled",
       "CREATE TEMP TABLE again AS SELECT * FROM result WHERE image_id = 3;"
       "UPDATE again SET attempt = 2, result_id = 1000; INSERT INTO result SELECT * FROM again;"
       "UPDATE image SET attempt = 2 WHERE image_id = 3"},
      {"under another photo",
       "UPDATE result SET blur_score = CASE image_id "
       "WHEN 2 THEN (SELECT blur_score FROM result WHERE image_id = 3) "
       "ELSE (SELECT blur_score FROM result WHERE image_id = 2) END WHERE image_id IN (2, 3)"},
      {"blamed",
       "UPDATE result SET outcome = 'failed', reason = 'crashed_worker', caption = NULL, "
       "log_prob = NULL, tokens = NULL WHERE image_id = 3;"
       "UPDATE image SET state = 'failed', reason = 'crashed_worker' WHERE image_id = 3"}};
  for (const auto& [name, sql] : damages) {
    change(sql);
    EXPECT_GT(complaints(), 0) << name;
    std::filesystem::copy_file(good, database(), std::filesystem::copy_options::overwrite_existing);
  }
  EXPECT_EQ(complaints(), 0) << "after it was put right";
}

}  // namespace
}  // namespace photoscribe::test
