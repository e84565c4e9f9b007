// The pipeline with real files on storage that makes reads wait.
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>

#include "tests/common/image/make_images.h"
#include "tests/support/slow_mount.h"
#include "tests/support/temp_dir.h"
#include "tests/worker/pipeline/pipeline_fixture.h"
#include "worker/photo/load_task.h"

namespace photoscribe {
namespace {

/// Answers the first read at once, and the next when reads of so many files are under way.
class CrowdOfFiles {
 public:
  explicit CrowdOfFiles(std::size_t crowd) : crowd_(crowd) {}
  void before(test::SlowMount::Request what, const std::string& path) {
    if (what != test::SlowMount::Request::read) return;
    std::unique_lock lock(mutex_);
    if (first_.empty()) first_ = path;
    if (path == first_) return;
    files_.insert(path);
    changed_.notify_all();
    changed_.wait_for(lock, 60s, [this] { return files_.size() >= crowd_; });
  }

 private:
  const std::size_t crowd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string first_;
  std::set<std::string> files_;
};

TEST(SlowStorage, Issue17FilesAreReadAheadAndNothingElseIs) {
  const test::TempDir folder;
  const auto png = testing::encode_png(testing::smooth_picture(16, 16));
  std::filesystem::create_directories(folder.path() / "store");
  std::filesystem::create_directories(folder.path() / "photos");
  folder.write("outside", "bytes");
  for (int i = 20; i < 32; ++i)
    folder.write("store/" + std::to_string(i), std::string(png.begin(), png.end()));
  ASSERT_EQ(::mkfifo(folder.file("store/32").c_str(), 0600), 0);
  std::filesystem::create_symlink("../outside", folder.file("store/33"));
  CrowdOfFiles crowd(4);
  const auto mount =
      test::SlowMount::over(folder.file("photos"), folder.file("store"), 16,
                            [&](auto what, const std::string& path) { crowd.before(what, path); });
  if (!mount)
    GTEST_SKIP() << "mounting is not allowed here: read-ahead of real files is NOT tested";
  Roots roots;
  roots.emplace("photos", *PhotoRoot::open("photos", folder.file("photos")));
  FakeDevice device;
  Outlet outlet;
  const Loader loader = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    return load_task(job.task, job.run->spec, roots, device.side_px, buffer, on_decode);
  };
  PipelineConfig shape = config(4, 1);
  shape.read_ahead = 3;
  Pipeline pipeline(shape, factory_of(device), loader, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  std::vector<Job> all = jobs(20, 15);  // of the last there is no file
  for (Job& job : all) job.task.root = "photos";

  pipeline.submit(std::move(all));

  ASSERT_TRUE(outlet.await_results(15));
  for (int id = 20; id < 32; ++id) EXPECT_EQ(outlet.outcome(id), "blurred");
  EXPECT_EQ(outlet.outcome(32), "not_a_file");
  EXPECT_EQ(outlet.outcome(33), "outside_root");
  EXPECT_EQ(outlet.outcome(34), "missing");
}

}  // namespace
}  // namespace photoscribe
