// Photos that hang a decoder or the network: the worker is replaced, and they alone are blamed.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/common/image/make_images.h"
#include "tests/worker/photo/slow_jpeg.h"
#include "tests/worker/queue/captured_log.h"
#include "tests/worker/queue/consumer_fixture.h"
#include "worker/photo/load_task.h"

namespace photoscribe {
namespace {

class Hang : public ConsumerTest {
 protected:
  static RunSpec impatient() {
    RunSpec made = spec();
    made.settings.limits.image_timeout_s = 1;
    return made;
  }
};

/// Starts the worker process and waits for its end; its exit status, or -1.
int run_worker_process(const std::string& url, const std::string& folder) {
  const pid_t child = fork();
  if (child == 0) {
    execl(PHOTOSCRIBE_REAL_LOADER_WORKER, "worker", url.c_str(), folder.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Hang, ARealDecoderThatDoesNotComeBackReplacesTheProcess) {
  const test::TempDir photos;
  const auto sharp = photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(64, 48));
  for (int i = 1; i <= 12; ++i) {
    (void)photos.write(std::to_string(i) + ".jpg", std::string(sharp.begin(), sharp.end()));
  }
  (void)photos.write("3.jpg", slow_jpeg(8'000, 500));
  const auto run = make_run(12, impatient());

  EXPECT_EQ(run_worker_process(server.url(), photos.path().string()), kExitReplaceMe);

  auto all = results(run);
  ASSERT_EQ(all.count(3), 1U);
  EXPECT_EQ(all.at(3), "timeout");
  EXPECT_EQ(pending(run), 0) << "the rest is done, or back in the queue";
  roots.clear();
  roots.emplace("photos", *PhotoRoot::open("photos", photos.path().string()));
  const Loader loader = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    return load_task(job.task, job.run->spec, roots, device.side_px, buffer, on_decode);
  };
  RunningWorker next(server.url(), device, loader, roots, patience_of_a_test());
  all = await_results(run, 12);
  for (const auto& [image, outcome] : all) {
    EXPECT_TRUE(image == 3 || outcome.starts_with("value")) << image << ": " << outcome;
  }
}

// Nobody knows which photo of a batch hangs the network: each is tried alone by the next workers.
TEST_F(Hang, TheNetworkWithABatchLeadsToTheOnePhoto) {
  const auto gate = std::make_shared<Gate>();
  device.on_image = [gate](std::uint8_t value) {
    if (value == 102) gate->pass();
  };
  const auto run = make_run(3, impatient());
  {
    RunningWorker first = worker(clear_photo, 3);
    EXPECT_EQ(first.wait().code, kExitReplaceMe);
    EXPECT_TRUE(results(run).empty()) << "all three are suspects now";
    RunningWorker second = worker(clear_photo, 3);
    EXPECT_EQ(second.wait().code, kExitReplaceMe);
    gate->open();
  }
  device.on_image = [](std::uint8_t) {};
  RunningWorker third = worker(clear_photo, 3);

  const auto all = await_results(run, 3);
  EXPECT_EQ(all.at(1), "value 101");
  EXPECT_EQ(all.at(2), "timeout");
  EXPECT_EQ(all.at(3), "value 103");
}

}  // namespace
}  // namespace photoscribe
