// pipeline_fixture: photos, runs and a device for a pipeline, and what comes out of it.
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/blur_scores.h"
#include "tests/worker/pipeline/fake_captioner.h"
#include "worker/pipeline/pipeline.h"

namespace photoscribe {

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
  /// The condition may look at more than comes out here, so it is asked again now and then.
  template <class Condition>
  bool await(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    std::unique_lock lock(mutex);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      changed.wait_for(lock, 2ms);
    }
    return true;
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

inline std::shared_ptr<const RunContext> run_context(SearchSettings search = {}) {
  auto context = std::make_shared<RunContext>();
  context->incarnation = "test";
  context->spec.settings.search = search;
  return context;
}

inline std::vector<Job> jobs(int first, int count,
                             std::shared_ptr<const RunContext> run = run_context()) {
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
inline Loader loader_of(std::map<std::int64_t, LoadOutcome> as = {}) {
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

inline CaptionerFactory factory_of(FakeDevice& device) {
  return [&device](const std::string&, const SearchSettings&) {
    return Expected<std::unique_ptr<Captioner>>(std::make_unique<FakeCaptioner>(device));
  };
}

inline PipelineConfig config(std::size_t batch_max, int decoders = 2) {
  PipelineConfig made;
  made.batch_max = batch_max;
  made.decode_threads = decoders;
  return made;
}

}  // namespace photoscribe
