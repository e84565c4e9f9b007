#include "scheduler/sources/settling.h"

#include <gmock/gmock.h>

namespace photoscribe {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SettlingTest : public ::testing::Test {
 protected:
  static Settling::Time at(std::chrono::milliseconds time) { return Settling::Time() + 1h + time; }
  Settling settling{150ms};
};

TEST_F(SettlingTest, TakesAFileOnceAndOnlyAfterItsClose) {
  settling.written("a.jpg");
  EXPECT_THAT(settling.take(at(1h)), IsEmpty()) << "however long it takes";
  EXPECT_FALSE(settling.next());
  settling.closed("a.jpg", at(0ms));
  EXPECT_EQ(settling.next(), at(150ms));
  EXPECT_THAT(settling.take(at(149ms)), IsEmpty());
  EXPECT_THAT(settling.take(at(150ms)), ElementsAre("a.jpg"));
  EXPECT_THAT(settling.take(at(1h)), IsEmpty());
}

TEST_F(SettlingTest, WaitsForAWriterThatOpensAgain) {
  settling.closed("a.jpg", at(0ms));
  settling.closed("a.jpg", at(100ms));
  EXPECT_THAT(settling.take(at(200ms)), IsEmpty());
  settling.written("a.jpg");
  EXPECT_THAT(settling.take(at(1h)), IsEmpty());
  settling.closed("a.jpg", at(1h));
  EXPECT_THAT(settling.take(at(1h + 150ms)), ElementsAre("a.jpg"));
}

TEST_F(SettlingTest, LeavesOutWhatIsGone) {
  settling.closed("part.jpg", at(0ms));
  settling.gone("part.jpg");
  settling.closed("whole.jpg", at(0ms));
  EXPECT_THAT(settling.take(at(1s)), ElementsAre("whole.jpg"));
}

TEST_F(SettlingTest, GivesAFileOfANewFolderTimeToBeWritten) {
  settling.found("old.jpg", 1h, at(0ms));
  settling.found("new.jpg", 10ms, at(0ms));
  settling.found("written.jpg", 10ms, at(0ms));
  settling.written("written.jpg");
  EXPECT_THAT(settling.take(at(150ms)), ElementsAre("old.jpg"));
  EXPECT_THAT(settling.take(at(990ms)), ElementsAre("new.jpg"));
  settling.written("busy.jpg");
  settling.found("busy.jpg", 1h, at(1s));
  EXPECT_THAT(settling.take(at(1h)), IsEmpty()) << "its writer was heard of";
}

TEST_F(SettlingTest, ForgetsWritersWhenEventsWereLost) {
  settling.written("a.jpg");
  settling.closed("b.jpg", at(0ms));
  settling.forget_writers();
  EXPECT_FALSE(settling.is_waited_for("a.jpg"));
  EXPECT_TRUE(settling.is_waited_for("b.jpg"));
}

}  // namespace
}  // namespace photoscribe
