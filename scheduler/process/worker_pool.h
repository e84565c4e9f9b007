// worker_pool: the worker processes of this machine: started, watched, restarted, stopped.
//
// A worker that dies is started again after a while; one that keeps dying while nothing gets done
// is given up on (restart_policy.h). Each has its log. The pool decides nothing about photos: what
// a dead worker had in hand is the queue's business. Belongs to one io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/async/wakeable_timer.h"
#include "common/core/error.h"
#include "scheduler/process/child_process.h"
#include "scheduler/process/restart_policy.h"
#include "scheduler/run_events.h"

namespace photoscribe {

namespace asio = boost::asio;

struct WorkerPoolSettings {
  std::vector<ChildCommand> commands;  // one per worker; its log_file says where the last words are
  std::string note_file;  // who was started: for the next run, should this one be killed
  RestartSettings restart;
  std::chrono::milliseconds stop_limit{40'000};  // to SIGKILL; a worker's own limit is 30 s
};

class WorkerPool {
 public:
  WorkerPool(asio::io_context& io, WorkerPoolSettings settings, Say say);

  /// Stops workers that a killed run left behind (they end by themselves, unless one hangs), then
  /// starts every worker. Fails with environment when one cannot be started at all; those that
  /// were are killed.
  [[nodiscard]] Status start();
  /// Watches until stop() or kill() and the end of every worker. Call once, after start().
  [[nodiscard]] asio::awaitable<void> watch();

  /// Ends the workers as stop() does, until wake(): the pool goes on, and nobody is blamed. Before
  /// start(): they are started by wake() only.
  void rest();
  void wake();

  /// SIGTERM: they hand back what they have not begun. After `stop_limit` they are killed.
  void stop();
  void kill();
  /// Images that became final so far, any number that rises: only deaths without progress
  /// between them make the pool give up.
  void set_progress(std::int64_t finished) { finished_ = finished; }

  /// Kills, to be started again, the workers among these consumers: alive, and yet they do nothing
  /// (stopped, or stuck where no time-out of their own reaches).
  void replace_silent(const std::vector<std::string>& consumers);

  [[nodiscard]] int alive() const;
  [[nodiscard]] bool ended() const { return ended_; }
  /// True when every worker has been given up on: nothing here will caption another photo.
  [[nodiscard]] bool given_up() const;
  /// Of a worker that was given up on.
  struct LastWords {
    std::string why;        // how it ended and where its log is, one line
    std::string log_lines;  // the last ones that its last process wrote; may be empty
    bool refused = false;   // its arguments: exit status 2
  };
  [[nodiscard]] LastWords last_words() const;
  [[nodiscard]] int restarts() const { return restarts_; }
  [[nodiscard]] std::int64_t peak_bytes() const { return peak_bytes_; }
  /// The last line that any worker logged, for people; may be empty.
  [[nodiscard]] std::string last_log_line() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Slot {
    ChildCommand command;
    RestartPolicy policy;
    std::optional<ChildProcess> child;
    Clock::time_point start_at{};      // while there is no child and it is not given up
    std::int64_t finished_before = 0;  // progress at its previous death
    bool given_up = false;
    std::string last_end;  // for people
    bool refused = false;
    std::int64_t log_from = 0;  // bytes in the log before the last start
    bool being_replaced = false;
    bool sent_to_rest = false;
  };
  void step(Clock::time_point now);
  void on_end(std::size_t index, const ChildEnd& end, Clock::time_point now);
  void start_again(std::size_t index, Clock::time_point now);
  [[nodiscard]] Status spawn(Slot& slot);
  void kill_all();
  void measure(Clock::time_point now);
  void say(EventLevel level, std::string text) const;

  WorkerPoolSettings settings_;
  Say say_;
  WakeableTimer timer_;
  std::vector<Slot> slots_;
  std::int64_t finished_ = 0, peak_bytes_ = 0;
  int restarts_ = 0;
  bool stopping_ = false, ended_ = false, resting_ = false;
  Clock::time_point kill_at_{}, next_measure_{};
};

/// What worker `index` calls itself in Redis, before host and process id: "w1".
[[nodiscard]] std::string worker_name_prefix(std::size_t index);
/// "killed by signal 9", "ended with exit status 3"
[[nodiscard]] std::string describe(const ChildEnd& end);
/// Kills the processes that `note_file` names, as far as they still are those, and removes it.
void stop_left_over_workers(const std::string& note_file, const std::vector<std::string>& programs);
/// The last `count` lines of a file, none from before byte `from`; empty when it cannot be read.
[[nodiscard]] std::string last_lines(const std::string& file, int count, std::int64_t from = 0);
/// Renames a log over 8 MiB to FILE.old, replacing an older one, so that logs stay bounded.
void rotate_log(const std::string& file);

}  // namespace photoscribe
