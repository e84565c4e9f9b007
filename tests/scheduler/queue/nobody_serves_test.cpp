#include "scheduler/queue/nobody_serves.h"

#include <gmock/gmock.h>

namespace photoscribe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

RunSpec spec() {
  RunSpec made;
  made.settings.model_hash = std::string(64, 'a');
  made.settings.model_name = "fast";
  made.roots = {"archive"};
  return made;
}

SeenWorker worker(const std::string& name, char model = 'a', const std::string& root = "archive") {
  SeenWorker made;
  made.report.name = name;
  made.report.host = "gpu7";
  made.report.pid = 12;
  made.report.model_hash = std::string(64, model);
  made.report.roots[root] = "";
  return made;
}

TEST(NobodyServes, IsNotSaidWhereAWorkerCanOrSoonWill) {
  SeenWorker starting = worker("w2");
  starting.report.starting = true;
  EXPECT_FALSE(why_nobody_serves(spec(), {worker("w1", 'b'), worker("w3")}));
  EXPECT_FALSE(why_nobody_serves(spec(), {starting}));
}

TEST(NobodyServes, NamesWhatTheRunWaitsForWhereNoWorkerIs) {
  const auto why = why_nobody_serves(spec(), {});
  ASSERT_TRUE(why);
  EXPECT_THAT(*why, AllOf(HasSubstr("model fast aaaaaaaaaaaa"), HasSubstr("root archive"),
                          HasSubstr("--root archive=FOLDER")));
}

TEST(NobodyServes, NamesWhichWorkerLacksWhat) {
  const auto why =
      why_nobody_serves(spec(), {worker("w1", 'b'), worker("w2", 'b'), worker("w3", 'a', "today")});
  ASSERT_TRUE(why);
  EXPECT_THAT(*why, AllOf(HasSubstr("none of the 3"), HasSubstr("w1 (host gpu7, process 12)"),
                          HasSubstr("and 1 more: the run asks for the model"), HasSubstr("w3"),
                          HasSubstr("--root archive=FOLDER")));
}

TEST(NobodyServes, CountsNoWorkerThatIsSilentOrCannotReadTheRoot) {
  SeenWorker silent = worker("w1"), unmounted = worker("w2"), stopping = worker("w3");
  silent.age = std::chrono::seconds(40);
  unmounted.report.roots["archive"] = "/net/archive: not there";
  stopping.report.not_ready = "stopping";
  EXPECT_THAT(*why_nobody_serves(spec(), {silent}), HasSubstr("there is no worker"));
  EXPECT_THAT(*why_nobody_serves(spec(), {unmounted}), HasSubstr("/net/archive: not there"));
  EXPECT_THAT(*why_nobody_serves(spec(), {stopping}), HasSubstr("stopping"));
}

}  // namespace
}  // namespace photoscribe
