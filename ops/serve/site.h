// site: the web server of an archive's page: its front end, the JSON behind it, thumbnails, probes
// and metrics.
//
// It reads the database while another process may write it, and changes nothing without `edit`.
// Everything that may take time runs on its own threads. What only ops/cli can do (find a worker,
// reach a scheduler) is passed in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "common/core/error.h"
#include "common/http/listen_place.h"
#include "ops/serve/thumbnails.h"
#include "scheduler/control/control.h"

namespace photoscribe {
class RunMonitor;
}

namespace photoscribe::serve {

struct SiteOptions {
  std::string database;
  http::ListenPlace place;
  std::string option = "--listen";  // begins messages about the place
  std::string token;                // required unless the place is loopback
  bool edit = false;
  std::string edited_by;  // stored with edits
  std::string cache_folder;
  std::int64_t cache_bytes_max = 512 << 20;

  /// All of these are called on several threads.
  NewPictureMaker pictures;
  std::function<std::optional<std::int64_t>()>
      writer;  // pid of the process that writes the database
  std::function<Expected<nlohmann::json>()> workers;
  std::function<Expected<ControlReply>(const ControlRequest&)> steer;
  /// For /metrics, the runs that this process serves; null: it serves none.
  std::shared_ptr<const RunMonitor> monitor;
  /// Judges a run's scores by another threshold; photos that become clear are pending.
  std::function<Status(const std::string& run, double threshold)> rejudge;
};

class Site {
 public:
  /// Fails with usage (reachable from other machines without a token) or environment (the place is
  /// taken). The database need not exist yet.
  [[nodiscard]] static Expected<std::unique_ptr<Site>> start(SiteOptions options);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site();

  [[nodiscard]] std::uint16_t port() const noexcept;
  /// "http://127.0.0.1:8080/"
  [[nodiscard]] std::string address() const;

 private:
  class Impl;
  explicit Site(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace photoscribe::serve
