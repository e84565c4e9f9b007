#include "worker/commands/probes.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "worker/queue/consumer.h"

namespace photoscribe {

Expected<std::unique_ptr<http::ProbeServer>> start_probes(const http::ProbeOptions& options,
                                                          const Consumer& consumer) {
  if (options.listen.empty()) return std::unique_ptr<http::ProbeServer>();
  http::ProbeSources sources;
  sources.health = [&consumer] { return consumer.health().report(); };
  sources.metrics = [&consumer] { return consumer.metrics(); };
  auto started = http::ProbeServer::start(options, std::move(sources));
  if (started) {
    spdlog::info("msg=\"answering /livez, /readyz and /metrics\" port={}", (*started)->port());
  }
  return started;
}

}  // namespace photoscribe
