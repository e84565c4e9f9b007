#include "worker/pipeline.h"

#include <gmock/gmock.h>

#include <future>
#include <map>

#include "tests/support/blur_scores.h"
#include "tests/worker/fake_captioner.h"

namespace photoscribe {
namespace {

using namespace std::chrono_literals;

/// Gathers what comes out of a pipeline; await() blocks until `count` jobs have.
struct Outlet {
  PipelineEvents events() {
    PipelineEvents made;
    made.finished = [this](std::vector<Finished> items) {
      const std::lock_guard lock(mutex);
      for (auto& item : items) results[item.job.task.image_id] = std::move(item.result);
      changed.notify_all();
    };
    made.faulted = [this](Faulted item) {
      const std::lock_guard lock(mutex);
      faulted.push_back(item.job.task.image_id);
      changed.notify_all();
    };
    made.returned = [this](Job job) {
      const std::lock_guard lock(mutex);
      returned.push_back(job.task.image_id);
      changed.notify_all();
    };
    made.device_lost = [this](std::string, Error why, std::vector<Job>) {
      const std::lock_guard lock(mutex);
      lost = std::move(why.message);
      changed.notify_all();
    };
    return made;
  }
  template <class Condition>
  bool await(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 20s, condition);
  }
  bool await_results(std::size_t count) {
    return await([&] { return results.size() >= count; });
  }
  std::string outcome(std::int64_t id) {
    const std::lock_guard lock(mutex);
    const auto found = results.find(id);
    if (found == results.end()) return "none";
    const auto& what = found->second.outcome;
    if (const auto* done = std::get_if<Captioned>(&what)) return done->caption.text;
    if (std::holds_alternative<Blurred>(what)) return "blurred";
    return std::string(to_string(std::get<Failed>(what).reason));
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::int64_t, Result> results;
  std::vector<std::int64_t> faulted, returned;
  std::string lost;
};

std::shared_ptr<const RunContext> run_context(SearchSettings search = {}) {
  auto context = std::make_shared<RunContext>();
  context->incarnation = "test";
  context->spec.search = search;
  return context;
}

std::vector<Job> jobs(int first, int count, std::shared_ptr<const RunContext> run = run_context()) {
  std::vector<Job> made;
  for (int i = first; i < first + count; ++i) {
    Job job;
    job.run = run;
    job.entry = redis::EntryId{static_cast<std::uint64_t>(i), 0};
    job.task.image_id = i;
    job.task.path = std::to_string(i);
    made.push_back(std::move(job));
  }
  return made;
}

/// A clear photo whose pixels hold the image id; ids named in `as` fare otherwise.
Loader loader_of(std::map<std::int64_t, LoadOutcome> as = {}) {
  return [as = std::move(as)](const Job& job, FileBuffer&, const OnDecode& on_decode) {
    on_decode();
    if (const auto found = as.find(job.task.image_id); found != as.end()) return found->second;
    LoadedPhoto photo;
    photo.blur_scores = test::every_mode(500);
    DecodedImage image{8, 8, 3, {}};
    image.pixels.assign(8 * 8 * 3, static_cast<std::uint8_t>(job.task.image_id));
    photo.network_input = std::move(image);
    return LoadOutcome(std::move(photo));
  };
}

CaptionerFactory factory_of(FakeDevice& device) {
  return [&device](const std::string&, const SearchSettings&) {
    return Expected<std::unique_ptr<Captioner>>(std::make_unique<FakeCaptioner>(device));
  };
}

PipelineConfig config(std::size_t batch_max, int decoders = 2) {
  PipelineConfig made;
  made.batch_max = batch_max;
  made.decode_threads = decoders;
  return made;
}

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
  Pipeline pipeline(config(8), factory_of(device), loader_of(), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(20, 24));
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

/// A run that takes captions over at a distance of two bits, and photos with these hashes.
std::shared_ptr<const RunContext> run_with_doubles() {
  auto context = std::make_shared<RunContext>(*run_context());
  context->spec.near_duplicates = 2;
  return context;
}

Loader loader_of_hashes(std::map<std::int64_t, std::uint64_t> hashes) {
  return [hashes = std::move(hashes), load = loader_of()](const Job& job, FileBuffer& buffer,
                                                          const OnDecode& on_decode) {
    LoadOutcome outcome = load(job, buffer, on_decode);
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

}  // namespace
}  // namespace photoscribe
