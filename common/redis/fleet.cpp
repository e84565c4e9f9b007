#include "common/redis/fleet.h"

#include <algorithm>
#include <utility>

#include "common/redis/errors.h"
#include "common/redis/queue_parse.h"
#include "common/redis/scripts.h"

namespace photoscribe::redis {
namespace {

constexpr std::string_view kFleetKey = "photoscribe:fleet";

/// No run is gone when this key is another program's.
tl::unexpected<Error> failed(const Error& error) {
  return fail(is_wrong_type(error) ? foreign_key(std::string(kFleetKey)) : error);
}

}  // namespace

Awaitable<void> report_worker(Connection& connection, std::string name, std::string report) {
  Command arguments = script_arguments({kFleetKey});
  arguments << name << report << kFleetExpiry.count();
  const Expected<Reply> reply = co_await connection.eval(scripts::kReport, std::move(arguments),
                                                         connection.command_timeout());
  if (!reply) co_return failed(reply.error());
  co_return Status();
}

Awaitable<void> withdraw_report(Connection& connection, std::string name) {
  Command command{"HDEL", kFleetKey};
  command << name;
  const Expected<Reply> reply = co_await connection.call(std::move(command));
  if (!reply) co_return failed(reply.error());
  co_return Status();
}

Awaitable<std::vector<SeenWorker>> read_fleet(Connection& connection,
                                              std::chrono::seconds forget_after) {
  Command arguments = script_arguments({kFleetKey});
  arguments << forget_after.count();
  const Expected<Reply> reply =
      co_await connection.eval(scripts::kFleet, std::move(arguments), connection.command_timeout());
  if (!reply) co_return failed(reply.error());
  std::vector<SeenWorker> workers;
  for (std::size_t i = 0; i + 2 < reply->size(); i += 3) {
    Expected<WorkerReport> report = parse_worker_report((*reply)[i + 2].text());
    if (!report || report->name != (*reply)[i].text()) continue;
    workers.push_back({std::move(*report), std::chrono::seconds((*reply)[i + 1].integer())});
  }
  std::sort(workers.begin(), workers.end(),
            [](const SeenWorker& a, const SeenWorker& b) { return a.report.name < b.report.name; });
  co_return workers;
}

}  // namespace photoscribe::redis
