// Runs over photos in archives, whose workers and schedulers are killed at random.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/chaos/chaos.h"
#include "tests/support/make_archive.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;

class OverAnArchive : public Chaos, public ::testing::WithParamInterface<MadeAs> {
 protected:
  /// The photos that begin() wrote, in one archive instead.
  void pack(MadeAs as) const {
    std::vector<MadeMember> members;
    for (const auto& one : std::filesystem::directory_iterator(photos())) {
      std::ifstream file(one.path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(file), {});
      members.push_back({"2019/" + one.path().filename().string(), bytes});
    }
    std::filesystem::remove_all(photos());
    std::filesystem::create_directory(photos());
    make_archive(photos() + "/all.archive.tar", as, members);
  }
};

TEST_P(OverAnArchive, KillsOfWorkersAndSchedulersLoseDoubleAndBlameNothing) {
  constexpr int kPhotos = 60;
  begin(kPhotos);
  pack(GetParam());
  const std::vector<std::string> command = scribe({"--archives", "--workers", "2"});
  std::optional<Process> run(std::in_place, command, folder_.path().string());
  for (int kills = 0; kills < 4; ++kills) {
    ASSERT_TRUE(reached(10 * kills + pick(3, 10))) << run->err_so_far();
    damaged();
    if (kills % 2 == 0) {
      const auto there = workers();
      if (!there.empty())
        ::kill(there[static_cast<std::size_t>(pick(0, static_cast<int>(there.size()) - 1))],
               SIGKILL);
    } else {
      run->signal(SIGKILL);
      (void)run->wait();
      run.emplace(command, folder_.path().string());
    }
    expect_recovery(30s);
  }
  finish(*run);
  EXPECT_EQ(query_one(database(), "SELECT count(*) FROM image WHERE archive_bytes > 0"),
            std::to_string(kPhotos));
}

INSTANTIATE_TEST_SUITE_P(Kinds, OverAnArchive,
                         ::testing::Values(MadeAs::tar, MadeAs::tar_gz, MadeAs::zip_deflated),
                         [](const auto& kind) {
                           return kind.param == MadeAs::tar      ? "Tar"
                                  : kind.param == MadeAs::tar_gz ? "PackedTar"
                                                                 : "Zip";
                         });

}  // namespace
}  // namespace photoscribe::test
