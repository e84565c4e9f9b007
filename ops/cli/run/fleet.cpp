#include "ops/cli/run/fleet.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "common/redis/fleet.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/run/ask_redis.h"
#include "scheduler/control/control_socket.h"
#include "scheduler/queue/nobody_serves.h"
#include "scheduler/queue/scheduler_settings.h"

namespace photoscribe::cli {
namespace {

using namespace std::chrono_literals;
using Row = std::array<std::string, 7>;

boost::asio::awaitable<Expected<std::vector<SeenWorker>>> read_from(redis::Connection& connection) {
  const Status up = co_await connection.connect();
  if (!up) co_return fail(up.error());
  Expected<std::vector<SeenWorker>> fleet = co_await redis::read_fleet(connection);
  connection.close();
  co_return fleet;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

Row row_of(const SeenWorker& worker) {
  const WorkerReport& of = worker.report;
  std::string roots;
  for (const auto& [name, why] : of.roots) {
    roots += (roots.empty() ? "" : ",") + name + (why.empty() ? "" : " (not read)");
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(worker.age).count();
  return {shown(of.name),
          shown(of.host),
          shown(joined(of.devices)),
          rate_text(of.photos_per_s),
          seconds < 2 ? "now" : duration_text(static_cast<double>(seconds)) + " ago",
          shown(of.model_name + " " + short_hash(of.model_hash)),
          shown(roots)};
}

/// Why it takes no work, a line per reason.
std::string problem_lines(const SeenWorker& worker) {
  const WorkerReport& of = worker.report;
  std::string out;
  if (!is_present(worker)) out += "    silent: it has ended, or cannot reach Redis\n";
  if (of.starting) out += "    opening its model\n";
  if (!of.not_ready.empty()) out += "    not ready: " + shown(of.not_ready) + "\n";
  for (const auto& [name, why] : of.roots) {
    if (!why.empty()) out += "    root " + shown(name) + ": " + shown(why) + "\n";
  }
  return out;
}

}  // namespace

Expected<std::vector<SeenWorker>> fetch_fleet(const DatabasePlace& place,
                                              const std::string& redis_url) {
  ControlRequest request;
  request.verb = ControlVerb::workers;
  Expected<ControlReply> reply = ask_scheduler(place.state_folder, request, 10s);
  if (reply) return std::move(reply->workers);
  if (!redis_url.empty()) return ask_redis<std::vector<SeenWorker>>(redis_url, read_from);
  return fail(reply.error());
}

std::optional<std::string> why_nobody_serves(const RunRow& run, const std::vector<Root>& roots,
                                             const std::vector<SeenWorker>& fleet) {
  const RunSpec spec = scheduler_settings_of(run, roots, LeaseSettings(), 0).spec;
  return photoscribe::why_nobody_serves(spec, fleet);
}

std::string fleet_table(const std::vector<SeenWorker>& fleet) {
  if (fleet.empty()) return "No worker reports here.\n";
  std::vector<Row> rows{{"worker", "host", "devices", "photos/s", "last beat", "model", "roots"}};
  for (const SeenWorker& worker : fleet) rows.push_back(row_of(worker));
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  }
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows[r].size(); ++i) {
      line += rows[r][i] + std::string(widths[i] - columns(rows[r][i]) + 2, ' ');
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    if (r > 0) out += problem_lines(fleet[r - 1]);
  }
  return out;
}

nlohmann::json fleet_json(const std::vector<SeenWorker>& fleet) {
  nlohmann::json list = nlohmann::json::array();
  for (const SeenWorker& worker : fleet) {
    const WorkerReport& of = worker.report;
    nlohmann::json roots = nlohmann::json::object();
    for (const auto& [name, why] : of.roots) {
      roots[replaced(name)] = why.empty() ? nlohmann::json() : nlohmann::json(replaced(why));
    }
    list.push_back({{"worker", replaced(of.name)},
                    {"host", replaced(of.host)},
                    {"pid", of.pid},
                    {"devices", of.devices},
                    {"photos", of.photos},
                    {"photos_per_s", of.photos_per_s},
                    {"last_beat_ms", worker.age.count()},
                    {"model", replaced(of.model_hash)},
                    {"model_name", replaced(of.model_name)},
                    {"roots", std::move(roots)},
                    {"starting", of.starting},
                    {"not_ready", replaced(of.not_ready)}});
  }
  return list;
}

}  // namespace photoscribe::cli
