// A scheduler whose events are waited for, and workers that only report themselves.
#pragma once

#include <gmock/gmock.h>

#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "common/redis/fleet.h"
#include "tests/scheduler/queue/scheduler_fixture.h"

namespace photoscribe::test {

class Watch : public SchedulerTest {
 protected:
  /// Calls `then` once an event says `words`.
  void once_told(const std::string& words, std::function<void()> then) {
    poll_.expires_after(std::chrono::milliseconds(2));
    poll_.async_wait([this, words, then](boost::system::error_code stopped) {
      if (stopped) return;
      const bool told = std::any_of(events_.begin(), events_.end(), [&](const std::string& event) {
        return event.find(words) != std::string::npos;
      });
      told ? then() : once_told(words, then);
    });
  }
  void report(const std::string& name, char model) {
    WorkerReport made;
    made.name = name;
    made.host = "gpu7";
    made.model_hash = std::string(64, model);
    made.roots["photos"] = "";
    server_.command({"HSET", "photoscribe:fleet", name,
                     server_.command({"TIME"}).substr(1, 10) + " " + to_json(made)});
  }
  boost::asio::steady_timer poll_{io_};
};

}  // namespace photoscribe::test
