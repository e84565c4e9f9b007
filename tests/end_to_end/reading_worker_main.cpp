// A worker that opens, reads and decodes as photoscribe-worker does, takes its arguments, and
// captions by a made-up network: what a run reads is tested with it in builds without LibTorch,
// too. Each photo takes PHOTOSCRIBE_TEST_MS more.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "common/redis/identity.h"
#include "tests/worker/pipeline/fake_captioner.h"
#include "worker/commands/options.h"
#include "worker/commands/probes.h"
#include "worker/photo/load_task.h"
#include "worker/queue/consumer.h"

int main(int argc, char** argv) {
  using namespace photoscribe;
  CLI::App app;
  WorkerOptions options;
  declare_options(app, options);
  CLI11_PARSE(app, argc, argv);
  const auto roots = roots_of(options);
  const auto endpoint = endpoint_of(options);
  if (!roots || !endpoint) return 3;
  FakeDevice device;
  ConsumerConfig config;
  config.endpoint = *endpoint;
  config.name = redis::new_consumer_name(options.name_prefix);
  config.model_hash = std::string(64, 'a');
  config.devices = {"cpu"};
  const CaptionerFactory factory = [&device](const std::string&, const SearchSettings&) {
    return Expected<std::unique_ptr<Captioner>>(std::make_unique<FakeCaptioner>(device));
  };
  const char* const slow = std::getenv("PHOTOSCRIBE_TEST_MS");
  const std::chrono::milliseconds pause(slow == nullptr ? 0 : std::atoi(slow));
  const Loader loader = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    std::this_thread::sleep_for(pause);
    return load_task(job.task, job.run->spec, *roots, device.side_px, buffer, on_decode);
  };
  PipelineConfig pipeline;
  pipeline.batch_max = 4;
  Consumer consumer(config, *roots, pipeline, factory, loader);
  const auto probes = start_probes(options.http, consumer);
  if (!probes) return 2;
  std::thread([&consumer] {  // the parent is gone
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
    consumer.request_stop(std::chrono::seconds(1));
  })
      .detach();
  const Ending ending = consumer.run();
  std::_Exit(ending.code);
}
