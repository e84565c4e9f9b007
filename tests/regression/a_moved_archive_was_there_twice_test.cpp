// Reported: an archive that had moved to another folder was in exports twice.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/fixture.h"

namespace photoscribe::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Moved : public EndToEnd {
 protected:
  Finished run_moved() const {
    return photoscribe({"run", folder_.file("moved"), "-o", database(), "--model", model()});
  }
};

TEST_F(Moved, Issue13ArchiveIsOfferedToBeOneRootAgainAndIsThen) {
  add_photos(4);
  ASSERT_EQ(run_photos().exit_status, 0);
  fs::rename(photos(), folder_.file("moved"));

  const Finished met = run_moved();

  EXPECT_EQ(count("1"), "8") << "each photo twice";
  const std::string offer =
      "photoscribe move " + database() + " " + photos() + " " + folder_.file("moved");
  EXPECT_THAT(met.out, HasSubstr("its folder " + photos() + " is gone, and 4 of its photos"));
  EXPECT_THAT(met.out, HasSubstr(offer));

  const Finished moved =
      photoscribe({"move", database(), photos(), folder_.file("moved"), "--yes"});

  EXPECT_EQ(moved.exit_status, 0) << moved.err;
  EXPECT_EQ(count("1"), "4");
  EXPECT_EQ(count("uri LIKE '%/moved/%' AND state = 'done'"), "4");
  const Finished again = run_moved();
  EXPECT_THAT(again.out, HasSubstr("Nothing was left to do"));
  EXPECT_THAT(again.out, ::testing::Not(HasSubstr("is gone")));
  EXPECT_EQ(count("1"), "4");
}

TEST_F(Moved, Issue13ArchiveThatIsToldOfBeforeItsRunIsNotReadAgain) {
  add_photos(3);
  ASSERT_EQ(run_photos().exit_status, 0);
  fs::rename(photos(), folder_.file("moved"));
  ASSERT_EQ(photoscribe({"move", database(), "photos", folder_.file("moved")}).exit_status, 0);

  EXPECT_THAT(run_moved().out, HasSubstr("Nothing was left to do"));
  EXPECT_EQ(count("1"), "3");
}

}  // namespace
}  // namespace photoscribe::test
