// A worker process with the real loader and a made-up network, for tests of how a process ends:
// real_loader_worker URL FOLDER. Ends with the worker's exit code, as photoscribe-worker does.
#include <cstdio>
#include <cstdlib>

#include "common/redis/identity.h"
#include "tests/worker/pipeline/fake_captioner.h"
#include "worker/queue/consumer.h"

int main(int argc, char** argv) {
  using namespace photoscribe;
  if (argc != 3) return 2;
  Roots roots;
  roots.emplace("photos", *PhotoRoot::open("photos", argv[2]));
  FakeDevice device;
  ConsumerConfig config;
  config.endpoint = *redis::parse_endpoint(argv[1]);
  config.name = redis::new_consumer_name("process");
  config.model_hash = std::string(64, 'a');
  const CaptionerFactory factory = [&device](const std::string&, const SearchSettings&) {
    return Expected<std::unique_ptr<Captioner>>(std::make_unique<FakeCaptioner>(device));
  };
  const Loader loader = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    return load_task(job.task, job.run->spec, roots, device.side_px, buffer, on_decode);
  };
  PipelineConfig pipeline;
  pipeline.batch_max = 4;
  Consumer consumer(config, roots, pipeline, factory, loader);
  const Ending ending = consumer.run();
  std::fprintf(stderr, "%s\n", ending.why.c_str());
  std::_Exit(ending.code);  // a thread is stuck in a decoder
}
