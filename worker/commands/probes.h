// probes: what a worker answers to whoever watches over it (--http).
#pragma once

#include <memory>

#include "common/core/error.h"
#include "common/http/probe_server.h"

namespace photoscribe {

class Consumer;

/// As http::ProbeServer::start(); null where options.listen is empty. `consumer` outlives it.
[[nodiscard]] Expected<std::unique_ptr<http::ProbeServer>> start_probes(
    const http::ProbeOptions& options, const Consumer& consumer);

}  // namespace photoscribe
