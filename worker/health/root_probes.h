// root_probes: asks whether the storage behind a root answers, on threads that may hang with it.
//
// A mount whose server is gone (hard NFS, a dead FUSE) holds every call that touches it, for hours
// if need be, so nothing of it may run on the thread that talks to Redis. One check per root is in
// flight at a time; a thread that hangs is abandoned when this is destroyed.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/core/error.h"
#include "worker/photo/open_beneath.h"

namespace photoscribe {

/// PhotoRoot::check(), or what a test puts in its place. Called on a thread of its own.
using RootCheck = std::function<Status(const PhotoRoot&)>;

class RootProbes {
 public:
  using Clock = std::chrono::steady_clock;
  struct Answer {
    std::string root;
    Clock::time_point asked;
    Status alive;  // environment: gone, or another device
  };

  /// `on_answer` is called on `executor`, and never after this is gone.
  RootProbes(const Roots& roots, RootCheck check, boost::asio::any_io_executor executor,
             std::function<void(Answer)> on_answer);
  RootProbes(const RootProbes&) = delete;
  RootProbes& operator=(const RootProbes&) = delete;
  ~RootProbes();

  /// Starts a check unless one is in flight.
  void ask(const std::string& root);
  /// When the check in flight began.
  [[nodiscard]] std::optional<Clock::time_point> asked(const std::string& root) const;

 private:
  struct Mailbox;
  const Roots& roots_;
  const RootCheck check_;
  const std::function<void(Answer)> on_answer_;
  std::map<std::string, Clock::time_point> on_their_way_;
  std::shared_ptr<Mailbox> mailbox_;  // shared with the threads
};

}  // namespace photoscribe
