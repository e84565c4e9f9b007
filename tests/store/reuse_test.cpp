// Content reuse: what a new run takes over from others of the database.
#include <gmock/gmock.h>

#include <map>

#include "scheduler/store/check_run.h"
#include "tests/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;

class Reuse : public StoreTest {};

TEST_F(Reuse, TakesOverWhatAnotherRunHasOfUnchangedPhotos) {
  scan({file("clear.jpg"), file("blurred.jpg"), file("failed.jpg"), file("changed.jpg"),
        file("dim.jpg"), file("waits.jpg")});
  std::map<std::string, Task> tasks;
  for (const Task& task : take()) tasks[task.path] = task;
  record({captioned(tasks["clear.jpg"], "a dog", 500), blurred(tasks["blurred.jpg"], 20),
          failed(tasks["failed.jpg"], Reason::truncated),
          captioned(tasks["changed.jpg"], "a cat", 500), captioned(tasks["dim.jpg"], "fog", 150)});
  const RunId second = must(store().ensure_run("second", settings(200))).run.id;
  Scan one = must(store().begin_scan(second, {{"photos", "/archive/photos"}}));
  must(one.add(std::vector<FoundFile>{file("clear.jpg"), file("blurred.jpg"), file("failed.jpg"),
                                      file("changed.jpg", 2000), file("dim.jpg"), file("waits.jpg"),
                                      file("new.jpg")}));
  must(one.finish(std::vector<Scan::Walked>{{0, ""}}, {}));

  EXPECT_EQ(must(store().reuse_results(second)), 3);

  EXPECT_THAT(
      plain_rows(database(),
                 "SELECT uri, state, caption, blur_score FROM caption_result "
                 "WHERE run = 'second' ORDER BY uri"),
      ElementsAre("/archive/photos/blurred.jpg|blurred|-|20.0",
                  "/archive/photos/changed.jpg|pending|-|-",
                  "/archive/photos/clear.jpg|done|a dog|500.0",
                  "/archive/photos/dim.jpg|blurred|-|150.0",  // by the run's own threshold
                  "/archive/photos/failed.jpg|pending|-|-", "/archive/photos/new.jpg|pending|-|-",
                  "/archive/photos/waits.jpg|pending|-|-"));
  EXPECT_EQ(must(store().reuse_results(second)), 0);
  EXPECT_EQ(must(store().counts(second)).asked.pending, 4);
  EXPECT_EQ(must(store().take_tasks(second, 10)).size(), 4U);
  EXPECT_EQ(must(check_run(database(), "second", false)).faults(), 0);
}

TEST_F(Reuse, TakesNothingOverFromAnotherKeyNorWhatIsEnqueued) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a dog"), blurred(tasks[1], 90)});
  const auto fill = [&](const std::string& name, const RunSettings& wanted) {
    const RunId id = must(store().ensure_run(name, wanted)).run.id;
    Scan one = must(store().begin_scan(id, {{"photos", "/archive/photos"}}));
    must(one.add(std::vector<FoundFile>{file("a.jpg"), file("b.jpg")}));
    must(one.finish(std::vector<Scan::Walked>{{0, ""}}, {}));
    return id;
  };
  RunSettings other = settings();
  other.search.beam += 1;
  EXPECT_EQ(must(store().reuse_results(fill("beam", other))), 0);
  // Clear under this threshold, and nobody has captioned it: it is done anew.
  EXPECT_EQ(must(store().reuse_results(fill("clearer", settings(80)))), 1);
  const RunId late = fill("late", settings());
  must(store().take_tasks(late, 1));
  EXPECT_EQ(must(store().reuse_results(late)), 1);
}

}  // namespace
}  // namespace photoscribe::test
