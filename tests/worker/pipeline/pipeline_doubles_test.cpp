// Photos that share a caption, in a pipeline.
#include <atomic>
#include <future>
#include <thread>

#include "tests/worker/pipeline/pipeline_fixture.h"

namespace photoscribe {
namespace {

/// A run that takes captions over at a distance of two bits, and photos with these hashes.
std::shared_ptr<const RunContext> run_with_doubles() {
  auto context = std::make_shared<RunContext>(*run_context());
  context->spec.settings.near_duplicates = 2;
  return context;
}

Loader loader_of_hashes(std::map<std::int64_t, std::uint64_t> hashes) {
  return [hashes = std::move(hashes), load = loader_of()](const Job& job, FileBuffer& buffer,
                                                          const OnDecode& on_decode) {
    LoadOutcome outcome = std::get<LoadOutcome>(load(job, buffer, on_decode));
    if (const auto found = hashes.find(job.task.image_id); found != hashes.end()) {
      std::get<LoadedPhoto>(outcome).perceptual_hash = found->second;
    }
    return outcome;
  };
}

TEST(Pipeline, CaptionsNearDuplicatesOnce) {
  FakeDevice device;
  Outlet outlet;
  const Loader loader = loader_of_hashes({{20, 0xff}, {21, 0xfe}, {22, 0xf0}, {23, 0xfd}});
  Pipeline pipeline(config(4), factory_of(device), loader, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(20, 3, run_with_doubles()));  // 21 follows 20 in one batch, or after it
  ASSERT_TRUE(outlet.await_results(3));
  pipeline.submit(jobs(23, 2, run_with_doubles()));  // 23 finds 20; 24 has no hash
  ASSERT_TRUE(outlet.await_results(5));

  EXPECT_EQ(device.images, 3);
  EXPECT_EQ(outlet.outcome(22), "value 22");
  EXPECT_EQ(outlet.outcome(24), "value 24");
  // Decoding has no order: of 20, 21 and 23 whichever came first is captioned.
  const std::string shared = outlet.outcome(20);
  EXPECT_EQ(outlet.outcome(21), shared);
  EXPECT_EQ(outlet.outcome(23), shared);
  const Result& late = outlet.results[23];
  ASSERT_TRUE(late.copied_from);
  EXPECT_TRUE(late.copied_from->image_id == 20 || late.copied_from->image_id == 21);
  EXPECT_GE(*late.copied_from->hash_distance, 1);
  EXPECT_EQ(late.blur_scores, test::every_mode(500)) << "scores are its own";
}

TEST(Pipeline, CaptionsNearDuplicatesOnceAlsoOnSeveralDevices) {
  FakeDevice device;
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  std::atomic<int> calls{0};
  device.on_call = [gate, &calls](std::size_t) {
    ++calls;
    gate.wait();
  };
  Outlet outlet;
  PipelineConfig two = config(1, 1);
  two.devices = {"cpu", "cpu"};
  const Loader loader = loader_of_hashes({{20, 0xff}, {21, 0xfe}, {22, 0x0f}});
  Pipeline pipeline(two, factory_of(device), loader, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(20, 3, run_with_doubles()));
  // 21 waits for 20, which the first device has; 22 passes it.
  for (int i = 0; i < 6'000 && calls < 2; ++i) std::this_thread::sleep_for(10ms);
  ASSERT_EQ(calls, 2);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(outlet.outcome(21), "none");
  go.set_value();

  ASSERT_TRUE(outlet.await_results(3));
  EXPECT_EQ(device.images, 2);
  EXPECT_EQ(outlet.outcome(21), outlet.outcome(20));
  EXPECT_EQ(outlet.outcome(22), "value 22");
}

TEST(Pipeline, CaptionsAPhotoByItselfWhoseDoubleTheNetworkRejects) {
  FakeDevice device;
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  device.on_call = [gate](std::size_t) { gate.wait(); };
  Outlet outlet;
  std::atomic<int> loaded{0};
  const Loader loader = [&loaded,
                         load = loader_of_hashes({{kPoisonPixel, 1}, {kPoisonPixel + 2, 1}})](
                            const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    ++loaded;
    return load(job, buffer, on_decode);
  };
  Pipeline pipeline(config(4, 1), factory_of(device), loader, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(1, 1, run_with_doubles()));  // keeps the device busy until all are decoded
  pipeline.submit(jobs(kPoisonPixel, 3, run_with_doubles()));
  while (loaded < 4 || pipeline.in_work().size() > 1) std::this_thread::sleep_for(1ms);
  go.set_value();

  ASSERT_TRUE(outlet.await_results(4));
  EXPECT_EQ(outlet.outcome(kPoisonPixel), "model_failure");
  EXPECT_EQ(outlet.outcome(kPoisonPixel + 2), "value 15");
  EXPECT_FALSE(outlet.results[kPoisonPixel + 2].copied_from);
}

TEST(Pipeline, PassesOnTheResultOfAPhotoWithTheSameBytes) {
  FakeDevice device;
  Outlet outlet;
  CopiedPhoto copied;
  copied.found.image_id = 99;
  copied.found.outcome = Captioned{Caption{"a dog", -2, 2}};
  copied.found.blur_scores = test::every_mode(700);
  copied.found.width_px = 640;
  copied.content_hash = sha256_of("abc", 3);
  Pipeline pipeline(config(4), factory_of(device), loader_of({{5, copied}}), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(5, 1));

  ASSERT_TRUE(outlet.await_results(1));
  const Result& result = outlet.results[5];
  EXPECT_EQ(outlet.outcome(5), "a dog");
  EXPECT_EQ(result.image_id, 5);
  EXPECT_EQ(result.copied_from, (CopiedFrom{99, std::nullopt}));
  EXPECT_EQ(result.content_hash, copied.content_hash);
  EXPECT_EQ(result.blur_scores, test::every_mode(700));
  EXPECT_EQ(result.width_px, 640);
  EXPECT_EQ(device.calls, 0);
}

}  // namespace
}  // namespace photoscribe
