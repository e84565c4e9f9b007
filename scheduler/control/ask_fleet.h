// ask_fleet: which workers a server has, asked over a separate connection, so that the question
// delays no run.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/worker_report.h"
#include "common/redis/endpoint.h"
#include "scheduler/control/control.h"

namespace photoscribe {

/// Takes a few seconds at most.
[[nodiscard]] boost::asio::awaitable<Expected<std::vector<SeenWorker>>> ask_fleet(
    boost::asio::io_context& io, redis::Endpoint endpoint);

/// The answer to ControlVerb::workers.
[[nodiscard]] boost::asio::awaitable<Expected<ControlReply>> answer_workers(
    boost::asio::io_context& io, redis::Endpoint endpoint);

}  // namespace photoscribe
