// Reported: a run whose --split or --references matched nothing, or whose photos were links out of
// the folder, was a success. What could not be read is counted, named, kept in the database, and
// makes the run incomplete.
#include "tests/scheduler/run/run_batch_fixture.h"

namespace photoscribe::test {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(RunBatch, IsIncompleteWhereASplitMatchesNoPhoto) {
  add_photos(0, 3);
  RunRequest chosen = request();
  chosen.split_file = folder_.write("dev.txt", "other.jpg\n");

  const RunSummary none = run(chosen);
  folder_.write("dev.txt", "other.jpg\np1.jpg\n");
  const RunSummary some = run(chosen);

  EXPECT_EQ(none.end, RunEnd::incomplete);
  ASSERT_THAT(none.not_seen, SizeIs(1));
  EXPECT_EQ(none.not_seen[0].path, chosen.split_file);
  EXPECT_THAT(none.not_seen[0].why, HasSubstr("names 1 photos, none of them are here"));
  EXPECT_EQ(some.end, RunEnd::complete);
  EXPECT_EQ(some.total, 1);
}

TEST_F(RunBatch, IsIncompleteWhereReferencesMatchNoPhoto) {
  add_photos(0, 3);
  RunRequest scored = request();
  scored.references_file = folder_.write("tokens.txt", "other.jpg#0\ta dog\n");

  const RunSummary none = run(scored);
  folder_.write("tokens.txt", "p1.jpg#0\ta dog\np1.jpg#1 no tab\n");
  const RunSummary some = run(scored);

  EXPECT_EQ(none.end, RunEnd::incomplete);
  EXPECT_EQ(none.total, 3);
  ASSERT_THAT(none.not_seen, SizeIs(1));
  EXPECT_EQ(none.not_seen[0].path, scored.references_file);
  EXPECT_EQ(some.end, RunEnd::complete);
  EXPECT_THAT(some.notes, Contains(HasSubstr("1 entry left out (line 2: no tab")));
}

TEST_F(RunBatch, RefusesReferencesWithAWrongLineBeforeAnythingIsStoredWhereAskedTo) {
  add_photos(0, 3);
  RunRequest strict = request();
  strict.strict_references = true;
  strict.references_file = folder_.write("tokens.txt", "p1.jpg#0\ta dog\np1.jpg#1 no tab\n");
  StopHandle stop;

  const Expected<RunSummary> refused = run_batch(strict, watcher_, stop);

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("tokens.txt, line 2: no tab"));
}

TEST_F(RunBatch, SaysAtItsStartAndKeepsInTheDatabaseWhichLinksLeadOut) {
  add_photos(0, 2);
  folder_.write("outside.jpg", "bytes");
  fs::create_symlink("../outside.jpg", folder_.file("photos/link.jpg"));

  const RunSummary out = run(request());
  const std::vector<std::string> said = watcher_.events;
  RunRequest followed = request();
  followed.follow_links = {folder_.path().string()};
  const RunSummary in = run(followed);

  EXPECT_EQ(out.end, RunEnd::incomplete);
  EXPECT_EQ(out.total, 2);
  EXPECT_THAT(said, Contains(HasSubstr("--follow-links")));
  EXPECT_EQ(in.end, RunEnd::complete);
  EXPECT_EQ(in.total, 3);
  EXPECT_EQ(in.added, 1);
}

}  // namespace
}  // namespace photoscribe::test
