// Debian's Prometheus scrapes a run and its worker, and answers queries about them; its promtool
// finds no fault with any of our metrics.
#include <gmock/gmock.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "common/http/probe_server.h"
#include "ops/cli/run/child_output.h"
#include "ops/serve/run_json.h"
#include "scheduler/process/program.h"
#include "scheduler/queue/run_monitor.h"
#include "tests/common/image/make_images.h"
#include "tests/scheduler/run/run_batch_fixture.h"
#include "tests/support/http_client.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kPhotos = 40;

bool is_installed(const std::string& program) {
  const auto version = cli::run_child({program, "--version"}, 20s);
  return version && version->exit_status == 0;
}

/// A port on which nothing listens now.
std::uint16_t free_port() {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  return acceptor.local_endpoint().port();
}

std::string address(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

std::string text_at(std::uint16_t port) { return http(port, {"GET", "/metrics"}).body; }

/// The real program with a list of targets to scrape.
class Prometheus {
 public:
  Prometheus(const TempDir& folder, const std::vector<std::uint16_t>& scraped)
      : port_(free_port()) {
    std::string targets;
    for (const std::uint16_t port : scraped) targets += "'" + address(port) + "', ";
    folder.write("prometheus.yml",
                 "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
                 "scrape_configs:\n  - job_name: photoscribe\n    static_configs:\n"
                 "      - targets: [" +
                     targets + "]\n");
    ProgramOptions options;
    options.executable = "/usr/bin/prometheus";
    options.words = {"prometheus", "--config.file=" + folder.file("prometheus.yml"),
                     "--storage.tsdb.path=" + folder.file("tsdb"),
                     "--web.listen-address=" + address(port_), "--log.level=warn"};
    options.environment = {"PATH=/usr/bin:/bin"};
    child_ = Program(std::move(options)).start({-1, 2, 2});
  }
  Prometheus(const Prometheus&) = delete;
  Prometheus& operator=(const Prometheus&) = delete;
  ~Prometheus() {
    ::kill(child_, SIGTERM);
    (void)reap(child_);
  }

  /// Values of the samples that the query finds.
  [[nodiscard]] std::vector<double> ask(const std::string& query) const {
    std::vector<double> values;
    try {
      std::string encoded;
      for (const char c : query) {
        char hex[4];
        std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned>(c) & 0xff);
        encoded += hex;
      }
      const json reply = json::parse(http(port_, {"GET", "/api/v1/query?query=" + encoded}).body);
      EXPECT_EQ(reply.value("status", ""), "success") << query << ": " << reply.dump();
      for (const json& one : reply.at("data").at("result")) {
        values.push_back(std::stod(one.at("value").at(1).get<std::string>()));
      }
    } catch (const std::exception&) {  // it is starting
    }
    return values;
  }
  [[nodiscard]] bool comes_to(const std::string& query, double value) const {
    for (int i = 0; i < 300; ++i, std::this_thread::sleep_for(100ms)) {
      if (ask(query) == std::vector<double>{value}) return true;
    }
    return false;
  }

 private:
  const std::uint16_t port_;
  pid_t child_ = -1;
};

class PrometheusTest : public RunBatch {
 protected:
  void SetUp() override {
    RunBatch::SetUp();
    if (!is_installed("prometheus") || !is_installed("promtool")) {
      GTEST_SKIP() << "prometheus is not installed (package prometheus)";
    }
    for (int i = 0; i < kPhotos; ++i) {
      const auto bytes =
          photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(60 + i, 48));
      folder_.write("photos/p" + std::to_string(i) + ".jpg",
                    std::string(bytes.begin(), bytes.end()));
    }
    folder_.write("photos/notes.jpg", "no photo");
    RunRequest watching = request();
    watching.worker_executable = PHOTOSCRIBE_READING_WORKER;
    watching.worker_arguments = {"--http", "127.0.0.1:0"};
    watching.watch = true;  // it and its worker stay until they are stopped
    watching.monitor = monitor_;
    http::ProbeSources sources;
    sources.health = [this] { return monitor_->health.report(); };
    sources.metrics = [this] { return monitor_->text(); };
    probes_ = std::move(*http::ProbeServer::start({"127.0.0.1:0", ""}, std::move(sources)));
    running_ = std::async(std::launch::async, [this, watching] {
      return run_batch(watching, watcher_, stop_).has_value();
    });
  }
  void TearDown() override {
    if (!running_.valid()) return;
    stop_.request();
    EXPECT_TRUE(running_.get());
  }
  /// The worker's port, from its log; 0 if it has none.
  [[nodiscard]] std::uint16_t worker_port() const {
    for (int i = 0; i < 300; ++i, std::this_thread::sleep_for(100ms)) {
      std::ifstream in(folder_.file("archive.db.state/worker-1.log"));
      const std::string log{std::istreambuf_iterator<char>(in), {}};
      const auto at = log.find(" port=");
      if (at != std::string::npos && log.find('\n', at) != std::string::npos) {
        return static_cast<std::uint16_t>(std::atoi(log.c_str() + at + 6));
      }
    }
    return 0;
  }
  void expect_promtool_accepts(const std::string& name, const std::string& text) const {
    folder_.write(name, text);
    const auto checked =
        cli::run_child({"sh", "-c", "promtool check metrics < '" + folder_.file(name) + "'"}, 20s);
    ASSERT_TRUE(checked);
    EXPECT_EQ(checked->exit_status, 0) << name << ": " << checked->out << checked->err;
    EXPECT_EQ(checked->out + checked->err, "") << name;
  }

  const std::shared_ptr<RunMonitor> monitor_ = std::make_shared<RunMonitor>();
  std::unique_ptr<http::ProbeServer> probes_;
  StopHandle stop_;
  std::future<bool> running_;
};

TEST_F(PrometheusTest, ScrapesARunAndItsWorker) {
  const std::uint16_t worker = worker_port();
  ASSERT_NE(worker, 0);
  const Prometheus prometheus(folder_, {probes_->port(), worker});

  EXPECT_TRUE(prometheus.comes_to("sum(up)", 2));
  EXPECT_TRUE(prometheus.comes_to("photoscribe_photos{state='done'}", kPhotos));
  EXPECT_TRUE(prometheus.comes_to("photoscribe_failed_photos{reason='not_an_image'}", 1));
  EXPECT_TRUE(prometheus.comes_to("sum(photoscribe_worker_photos_total)", kPhotos + 1));
  EXPECT_TRUE(
      prometheus.comes_to("photoscribe_worker_stage_seconds_count{stage='caption'}", kPhotos));
  EXPECT_TRUE(prometheus.comes_to("photoscribe_worker_batch_photos_sum", kPhotos));
  EXPECT_TRUE(prometheus.comes_to("photoscribe_scheduler_commit_results_sum", kPhotos + 1));
  EXPECT_TRUE(prometheus.comes_to("count(photoscribe_queue_tasks)", 2));
  EXPECT_TRUE(prometheus.comes_to("min(photoscribe_redis_up)", 1));
  EXPECT_TRUE(prometheus.comes_to("photoscribe_workers{device='cpu'}", 1));
  const auto slow = prometheus.ask(
      "histogram_quantile(0.9, sum by (le) (photoscribe_worker_stage_seconds_bucket{stage="
      "'decode'}))");
  ASSERT_EQ(slow.size(), 1U);
  EXPECT_GT(slow[0], 0);
  EXPECT_LT(slow[0], 10);

  expect_promtool_accepts("worker.txt", text_at(worker));
  expect_promtool_accepts("run.txt", text_at(probes_->port()));
  serve::ArchiveNow archive;
  archive.runs.emplace_back();
  archive.runs[0].run.name = "a \"night\"\nof \\ photos";
  http::MetricsText page;
  serve::add_archive_metrics(page, archive);
  monitor_->add_metrics(page);
  page.add_process();
  expect_promtool_accepts("page.txt", page.text());
}

}  // namespace
}  // namespace photoscribe::test
