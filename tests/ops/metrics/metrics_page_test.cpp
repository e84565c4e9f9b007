// ops/docs/metrics.md lists every metric that our programs expose, and no other.
#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

#include "common/http/metrics_text.h"
#include "ops/serve/run_json.h"
#include "scheduler/queue/run_monitor.h"
#include "worker/health/worker_metrics.h"

namespace photoscribe {
namespace {

/// "name type" of every family.
std::set<std::string> families(const std::string& text) {
  std::set<std::string> found;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("# TYPE ", 0) == 0) found.insert(line.substr(7));
  }
  return found;
}

/// The same of the rows of its tables: | `name` | type | …
std::set<std::string> listed() {
  std::set<std::string> found;
  std::ifstream in(PHOTOSCRIBE_METRICS_PAGE);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("| `", 0) != 0) continue;
    const auto name = line.find('`', 3), type = line.find("| ", name) + 2;
    found.insert(line.substr(3, name - 3) + " " + line.substr(type, line.find(' ', type) - type));
  }
  return found;
}

TEST(MetricsPage, ListsEveryMetric) {
  std::set<std::string> exposed = families(WorkerMetrics().text("fast", "0", {}));
  exposed.merge(families(RunMonitor().text()));
  http::MetricsText archive;
  serve::add_archive_metrics(archive, {});
  exposed.merge(families(archive.text()));

  EXPECT_EQ(listed(), exposed);
}

}  // namespace
}  // namespace photoscribe
