#include "worker/pipeline/pipeline.h"

#include <gmock/gmock.h>

#include <future>
#include <map>

#include "tests/worker/pipeline/pipeline_fixture.h"

namespace photoscribe {
namespace {

TEST(Pipeline, CaptionsClearPhotosAndKeepsTheOthersFromTheDevice) {
  FakeDevice device;
  Outlet outlet;
  LoadedPhoto blurred;
  blurred.blur_scores = test::every_mode(3);
  const Loader loader = loader_of({{2, blurred},
                                   {3, LoadFailed{{Reason::truncated, "cut"}, {}, {}}},
                                   {4, Fault{FaultOf::storage, "EIO"}}});
  Pipeline pipeline(config(4), factory_of(device), loader, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(1, 6));

  ASSERT_TRUE(outlet.await([&] { return outlet.results.size() == 5 && !outlet.faulted.empty(); }));
  EXPECT_EQ(outlet.outcome(1), "value 1");
  EXPECT_EQ(outlet.outcome(2), "blurred");
  EXPECT_EQ(outlet.outcome(3), "truncated");
  EXPECT_EQ(outlet.outcome(6), "value 6");
  EXPECT_EQ(outlet.faulted, std::vector<std::int64_t>{4});
  EXPECT_EQ(device.images, 3) << "photos 1, 5 and 6";
}

TEST(Pipeline, FillsBatchesWhenPhotosComeFasterThanTheDevice) {
  FakeDevice device;
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  device.on_call = [gate](std::size_t) { gate.wait(); };
  Outlet outlet;
  std::atomic<int> loaded{0};
  const Loader loader = [&loaded, load = loader_of()](const Job& job, FileBuffer& buffer,
                                                      const OnDecode& on_decode) {
    ++loaded;
    return load(job, buffer, on_decode);
  };
  Pipeline pipeline(config(8), factory_of(device), loader, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(20, 24));
  while (loaded < 24) std::this_thread::sleep_for(1ms);
  go.set_value();

  ASSERT_TRUE(outlet.await_results(24));
  EXPECT_LE(device.calls, 5);
  for (const std::size_t size : device.sizes()) EXPECT_LE(size, 8U);
}

TEST(Pipeline, BlamesOnlyThePhotoThatTheNetworkRejects) {
  FakeDevice device;
  Outlet outlet;
  Pipeline pipeline(config(8), factory_of(device), loader_of(), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(8, 10));  // 13 among them

  ASSERT_TRUE(outlet.await_results(10));
  EXPECT_EQ(outlet.outcome(kPoisonPixel), "model_failure");
  EXPECT_EQ(outlet.outcome(12), "value 12");
  EXPECT_EQ(outlet.results[kPoisonPixel].blur_scores, test::every_mode(500))
      << "a score that is known is not thrown away";
}

TEST(Pipeline, ReportsALostDeviceAndBlamesNobody) {
  FakeDevice device;
  device.lost = true;
  Outlet outlet;
  Pipeline pipeline(config(4), factory_of(device), loader_of(), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(1, 3));

  ASSERT_TRUE(outlet.await([&] { return !outlet.lost.empty(); }));
  EXPECT_TRUE(outlet.results.empty());
}

TEST(Pipeline, DrainGivesBackWhatNoThreadHasBegun) {
  FakeDevice device;
  std::promise<void> entered, go;
  const std::shared_future<void> gate = go.get_future().share();
  device.on_call = [&entered, gate, first = true](std::size_t) mutable {
    if (std::exchange(first, false)) entered.set_value();
    gate.wait();
  };
  Outlet outlet;
  Pipeline pipeline(config(1, 1), factory_of(device), loader_of(), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  pipeline.submit(jobs(1, 6));
  entered.get_future().wait();  // photo 1 is in the network

  const auto back = pipeline.drain();
  go.set_value();

  ASSERT_TRUE(outlet.await(
      [&] { return outlet.results.size() + outlet.returned.size() + back.size() == 6; }));
  EXPECT_EQ(outlet.results.size(), 1U) << "only the batch in the network went on";
  EXPECT_EQ(outlet.outcome(1), "value 1");
}

TEST(Pipeline, ShowsWhatEachThreadIsWorkingOn) {
  FakeDevice device;
  Outlet outlet;
  std::promise<void> entered, go;
  const std::shared_future<void> gate = go.get_future().share();
  const Loader normal = loader_of();
  const Loader hanging = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    on_decode();
    entered.set_value();
    gate.wait();
    return normal(job, buffer, on_decode);
  };
  Pipeline pipeline(config(4, 1), factory_of(device), hanging, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  EXPECT_TRUE(pipeline.in_work().empty());

  pipeline.submit(jobs(7, 1));
  entered.get_future().wait();
  const auto busy = pipeline.in_work();
  go.set_value();

  ASSERT_EQ(busy.size(), 1U);
  EXPECT_EQ(busy[0].stage, Stage::decoding);
  EXPECT_EQ(busy[0].jobs[0].task.image_id, 7);
  ASSERT_TRUE(outlet.await_results(1));
}

TEST(Pipeline, TakesBackOnlyWhatIsWanted) {
  FakeDevice device;
  Outlet outlet;
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  const Loader normal = loader_of();
  const Loader waiting = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    gate.wait();
    return normal(job, buffer, on_decode);
  };
  Pipeline pipeline(config(4, 1), factory_of(device), waiting, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  pipeline.submit(jobs(1, 5));

  const auto back = pipeline.take_back([](const Job& job) { return job.task.image_id % 2 == 0; });
  go.set_value();

  ASSERT_TRUE(outlet.await_results(3));
  EXPECT_EQ(back.size(), 2U);
  EXPECT_EQ(outlet.outcome(5), "value 5");
}

TEST(Pipeline, LeavesAReadBehindThatHangsAndGoesOnWithTheOthers) {
  FakeDevice device;
  Outlet outlet;
  std::promise<void> entered, go;
  const std::shared_future<void> gate = go.get_future().share();
  const Loader normal = loader_of();
  const Loader hanging = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    if (job.task.image_id == 1) {
      entered.set_value();
      gate.wait();
    }
    return normal(job, buffer, on_decode);
  };
  Pipeline pipeline(config(4, 1), factory_of(device), hanging, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  pipeline.submit(jobs(1, 5));
  entered.get_future().wait();  // the only decode thread
  const auto busy = pipeline.in_work();
  ASSERT_EQ(busy.size(), 1U);

  EXPECT_TRUE(pipeline.leave_behind(busy[0]));
  EXPECT_FALSE(pipeline.leave_behind(busy[0])) << "once";

  ASSERT_TRUE(outlet.await_results(4));
  EXPECT_EQ(outlet.outcome(5), "value 5");
  go.set_value();
  pipeline.submit(jobs(6, 1));
  ASSERT_TRUE(outlet.await([&] { return outlet.results.contains(6); }));
  EXPECT_EQ(outlet.outcome(1), "none") << "given up: it is another worker's now";
}

TEST(Pipeline, DoesNotLeaveADecoderBehind) {
  FakeDevice device;
  Outlet outlet;
  std::promise<void> entered, go;
  const std::shared_future<void> gate = go.get_future().share();
  const Loader normal = loader_of();
  const Loader hanging = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    on_decode();
    entered.set_value();
    gate.wait();
    return normal(job, buffer, on_decode);
  };
  Pipeline pipeline(config(4, 1), factory_of(device), hanging, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  pipeline.submit(jobs(1, 1));
  entered.get_future().wait();

  EXPECT_FALSE(pipeline.leave_behind(pipeline.in_work().at(0))) << "a photo's fault, not a root's";
  go.set_value();

  ASSERT_TRUE(outlet.await_results(1));
}

TEST(Pipeline, OpensTheModelAnewForOtherSearchSettings) {
  FakeDevice device;
  Outlet outlet;
  std::atomic<int> beams{0};
  const CaptionerFactory factory = [&](const std::string&, const SearchSettings& search) {
    beams += search.beam;
    return Expected<std::unique_ptr<Captioner>>(std::make_unique<FakeCaptioner>(device));
  };
  PipelineConfig settings = config(4);
  settings.search.beam = 1;
  Pipeline pipeline(settings, factory, loader_of(), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  SearchSettings wide;
  wide.beam = 100;

  pipeline.submit(jobs(1, 2, run_context(settings.search)));
  ASSERT_TRUE(outlet.await_results(2));
  pipeline.submit(jobs(3, 2, run_context(wide)));
  ASSERT_TRUE(outlet.await_results(4));
  pipeline.submit(jobs(5, 2, run_context(settings.search)));

  ASSERT_TRUE(outlet.await_results(6));
  EXPECT_EQ(beams, 101) << "each opened once";
}

TEST(Pipeline, SaysWhyADeviceCouldNotBeOpened) {
  Outlet outlet;
  const CaptionerFactory factory = [](const std::string& device, const SearchSettings&) {
    return Expected<std::unique_ptr<Captioner>>(
        fail(Errc::model_failure, device + ": no weights.safetensors"));
  };
  Pipeline pipeline(config(4), factory, loader_of(), outlet.events());

  const Status ready = pipeline.wait_ready();

  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().message, "cpu: no weights.safetensors");
}

TEST(Pipeline, LetsResultsWithoutANetworkOutInGroups) {
  FakeDevice device;
  Outlet outlet;
  std::atomic<int> groups{0};
  PipelineEvents events = outlet.events();
  events.finished = [&groups, next = events.finished](std::vector<Finished> items) {
    ++groups;
    next(std::move(items));
  };
  const Loader blurred = [](const Job&, FileBuffer&, const OnDecode& on_decode) {
    on_decode();
    LoadedPhoto photo;
    photo.blur_scores = test::every_mode(3);
    return LoadOutcome(std::move(photo));
  };
  Pipeline pipeline(config(4), factory_of(device), blurred, events);
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(1, 1'000));
  ASSERT_TRUE(outlet.await_results(1'000));
  EXPECT_LE(groups, 40) << "32 at a time, and what is left when the queue is empty";

  pipeline.submit(jobs(2'000, 1));
  EXPECT_TRUE(outlet.await_results(1'001)) << "one alone does not wait for others";
  EXPECT_EQ(device.calls, 0);
}

TEST(Pipeline, LetsResultsOutThatWaitBehindAPhotoThatTakesLong) {
  FakeDevice device;
  Outlet outlet;
  std::promise<void> entered, go;
  const std::shared_future<void> gate = go.get_future().share();
  const Loader slow_third = [&](const Job& job, FileBuffer&, const OnDecode& on_decode) {
    on_decode();
    if (job.task.image_id == 3) {
      entered.set_value();
      gate.wait();
    }
    return LoadOutcome(LoadFailed{{Reason::truncated, "cut"}, {}, {}});
  };
  Pipeline pipeline(config(4, 1), factory_of(device), slow_third, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  pipeline.submit(jobs(1, 5));
  entered.get_future().wait();
  EXPECT_TRUE(outlet.results.empty()) << "others are still to come";

  pipeline.let_out();

  EXPECT_EQ(outlet.results.size(), 2U);
  go.set_value();
  EXPECT_TRUE(outlet.await_results(5));
}

TEST(Pipeline, KeepsConceptsFromTheRunsLeastProbabilityOn) {
  FakeDevice device;
  device.concepts = {{"dog", 0.9F}, {"ball", 0.7F}, {"cat", 0.69F}, {"boat", 0.0F}};
  Outlet outlet;
  Pipeline pipeline(config(4), factory_of(device), loader_of(), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  const auto strict = std::make_shared<RunContext>(*run_context());
  strict->spec.settings.min_concept_probability = 0.7;

  pipeline.submit(jobs(1, 1));
  pipeline.submit(jobs(2, 1, strict));  // in one batch with the other run's, or after it

  ASSERT_TRUE(outlet.await_results(2));
  const auto concepts = [&](std::int64_t id) {
    return std::get<Captioned>(outlet.results[id].outcome).caption.concepts;
  };
  EXPECT_EQ(concepts(1), device.concepts);
  EXPECT_THAT(concepts(2), testing::ElementsAre(Concept{"dog", 0.9F}, Concept{"ball", 0.7F}));
}

}  // namespace
}  // namespace photoscribe
