#include "tests/end_to_end/fixture.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/common/image/make_images.h"

namespace photoscribe::test {
namespace {

const std::string kBin = PHOTOSCRIBE_BIN_DIR;

std::string text(const photoscribe::testing::Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

std::string clear_jpeg(int seed, int width_px, int height_px) {
  return text(photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(
      width_px, height_px, static_cast<std::uint32_t>(seed) + 1)));
}

std::string blurred_jpeg(int width_px, int height_px) {
  return text(
      photoscribe::testing::encode_jpeg(photoscribe::testing::smooth_picture(width_px, height_px)));
}

const std::string& EndToEnd::model() {
  static const std::string path = PHOTOSCRIBE_RANDOM_MODEL;
  return path;
}

void EndToEnd::SetUp() {
  // A killed worker's photos wait for a lease; half a minute by default is long for a test.
  ::setenv("PHOTOSCRIBE_LEASE_MS", "5000", 1);
  ::setenv("PHOTOSCRIBE_LEASE_BEAT_MS", "500", 1);
  std::filesystem::create_directory(photos());
  ASSERT_TRUE(std::filesystem::exists(model() + "/model.yaml"));
}

void EndToEnd::TearDown() {
  // Nothing that this test started may outlive its run.
  EXPECT_TRUE(eventually([&] { return processes_with(folder_.path().string()).empty(); },
                         std::chrono::seconds(10)))
      << "processes are left over";
}

std::vector<std::string> EndToEnd::run_command(std::vector<std::string> more) const {
  std::vector<std::string> argv{
      kBin + "/photoscribe", "run", photos(), "-o", database(), "--model", model(),
      "--devices",           "cpu"};
  argv.insert(argv.end(), more.begin(), more.end());
  return argv;
}

std::vector<std::string> EndToEnd::worker_command(const std::string& redis_url) const {
  return {kBin + "/photoscribe-worker",
          "--redis",
          redis_url,
          "--root",
          "photos=" + photos(),
          "--model",
          model(),
          "--devices",
          "cpu",
          "--batch",
          "4"};
}

Finished EndToEnd::run_photos(std::vector<std::string> more) const {
  return run(run_command(std::move(more)), folder_.path().string());
}

Finished EndToEnd::photoscribe(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), kBin + "/photoscribe");
  return run(std::move(arguments), folder_.path().string());
}

std::vector<std::string> EndToEnd::add_photos(int count, int first) const {
  std::vector<std::string> names;
  for (int i = first; i < first + count; ++i) {
    std::string number = std::to_string(i);
    number.insert(0, 4 - std::min<std::size_t>(4, number.size()), '0');
    names.push_back("photo-" + number + ".jpg");
    write_photo(names.back(), clear_jpeg(i));
  }
  return names;
}

void EndToEnd::write_photo(const std::string& name, const std::string& bytes) const {
  std::ofstream(photos() + "/" + name, std::ios::binary) << bytes;
}

std::vector<pid_t> EndToEnd::workers() const {
  std::vector<pid_t> found;
  for (const pid_t pid : processes_with(folder_.path().string())) {
    std::error_code failed;
    const auto exe = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", failed);
    if (!failed && exe.filename() == "photoscribe-worker") found.push_back(pid);
  }
  return found;
}

bool EndToEnd::recorded(int count) const {
  return eventually([&] {
    if (!std::filesystem::exists(database())) return false;
    const std::vector<Row> rows =
        query(database(), "SELECT count(*) FROM sqlite_master WHERE name = 'caption_result'");
    if (rows.empty() || rows.front().begin()->second != "1") return false;
    return std::stoi(this->count("state IN ('done','blurred','failed')")) >= count;
  });
}

void EndToEnd::expect_everything_once(int photos) const {
  EXPECT_EQ(count("1"), std::to_string(photos));
  EXPECT_EQ(count("state IN ('done','blurred')"), std::to_string(photos));
  EXPECT_EQ(query_one(database(), "SELECT count(DISTINCT uri) FROM caption_result"),
            std::to_string(photos));
  EXPECT_EQ(count("reason = 'crashed_worker'"), "0");
}

}  // namespace photoscribe::test
