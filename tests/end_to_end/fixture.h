// fixture: the installed programs on a folder of photos, as a person uses them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/end_to_end/archive.h"
#include "tests/end_to_end/process.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::test {

/// A temp folder with `photos/`, an `archive.db` that runs write, and a small random model.
class EndToEnd : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// `photoscribe run photos -o archive.db --model …` and more arguments.
  [[nodiscard]] std::vector<std::string> run_command(std::vector<std::string> more = {}) const;
  /// `photoscribe-worker` on the test's photos, root "photos", for the scheduler at `redis_url`.
  [[nodiscard]] std::vector<std::string> worker_command(const std::string& redis_url) const;
  Finished run_photos(std::vector<std::string> more = {}) const;
  /// `photoscribe` with these arguments.
  Finished photoscribe(std::vector<std::string> arguments) const;

  /// Writes `count` clear JPEGs, photo-0000.jpg and on, and returns their names.
  std::vector<std::string> add_photos(int count, int first = 0) const;
  void write_photo(const std::string& name, const std::string& bytes) const;

  [[nodiscard]] std::string photos() const { return folder_.file("photos"); }
  [[nodiscard]] std::string database() const { return folder_.file("archive.db"); }
  [[nodiscard]] std::string count(const std::string& where) const {
    return query_one(database(), "SELECT count(*) FROM caption_result WHERE " + where);
  }
  /// Pids of this test's workers.
  [[nodiscard]] std::vector<pid_t> workers() const;
  /// Waits until at least `count` photos have a result.
  [[nodiscard]] bool recorded(int count) const;
  /// Every photo has one result, in a final state, and no worker crash was put on one.
  void expect_everything_once(int photos) const;

  static const std::string& model();
  TempDir folder_;
};

/// A clear (sharp, textured) JPEG that differs with `seed`.
std::string clear_jpeg(int seed, int width_px = 160, int height_px = 120);
/// A JPEG of a smooth gradient: blurred at the default threshold.
std::string blurred_jpeg(int width_px = 160, int height_px = 120);

}  // namespace photoscribe::test
