// redis_proxy: stands between photoscribe's processes and a real redis-server, knows what they say
// to each other, and does damage at an exact step.
//
// It passes bytes on unchanged. It kills the process at the other end of a connection when a
// command of some kind is about to reach the server or has just been answered, cuts connections,
// lets them go silent, and remembers every result whose finish the server has answered. The steps
// are those of ops/docs/protocol.md; there is no hook in the product for any of this.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace photoscribe::test {

enum class Step {
  other,
  list,            // a worker's look for runs
  read,            // a worker's XREADGROUP that brings tasks
  start,           // its script that marks tasks as in hand
  finish,          // its EXEC that publishes results and removes their tasks
  hand_back,       // its script that gives tasks back
  take_results,    // the scheduler's XREAD that brings results
  delete_results,  // its XDEL of what it has committed
};
enum class Moment {
  before,  // the server never gets it
  after,   // the server has done it; the answer never arrives
};

/// A result that the server has taken, in the words of the worker that sent it.
struct FinishedPhoto {
  std::int64_t image_id = 0;
  std::int32_t attempt = 1;
  double blur_score = 0;
  std::string outcome;  // "done", "blurred" or the reason
};

class RedisProxy {
 public:
  using Clock = std::chrono::steady_clock;
  struct Kill {
    pid_t pid = -1;
    Clock::time_point at;
  };

  RedisProxy(std::string listen_path, std::string server_path);
  ~RedisProxy();
  RedisProxy(const RedisProxy&) = delete;
  RedisProxy& operator=(const RedisProxy&) = delete;

  [[nodiscard]] std::string url() const { return "unix:" + listen_path_; }

  /// SIGKILL for the client of the `nth` such step from now on (1: the next).
  void kill_at(Step step, Moment moment, int nth = 1);
  [[nodiscard]] std::vector<Kill> kills() const;
  /// Closes every connection; new ones are served.
  void cut();
  /// From now on nothing comes or goes on the connections that are open: a network that lost them
  /// without a word. New ones are served.
  void go_silent();
  /// How many commands of the kind have been answered.
  [[nodiscard]] int seen(Step step) const;
  /// Whether the server has answered with this error, such as "LOADING".
  [[nodiscard]] bool answered_with(const std::string& error) const;
  /// When the last one was answered.
  [[nodiscard]] Clock::time_point last_seen(Step step) const;
  /// Every result whose finish was answered, in order.
  [[nodiscard]] std::vector<FinishedPhoto> finished() const;
  /// For a new run.
  void forget_finished();

 private:
  struct Pending {
    Step step = Step::other;
    std::string packed;  // of a finish
  };
  struct Link {
    int client = -1, server = -1;
    pid_t pid = -1;
    bool silent = false, closed = false;
    bool in_transaction = false;
    std::string packed;  // of the results in the transaction
    std::string from_client, to_server, from_server, to_client;
    std::deque<Pending> waiting;  // commands that the server has not answered
  };
  struct Trap {
    Step step;
    Moment moment;
    int left;
  };

  void serve();
  void accept_one();
  void pump(Link& link, bool client_ready, bool server_ready);
  void take_commands(Link& link);
  void take_replies(Link& link);
  [[nodiscard]] Pending classify(Link& link, const std::vector<std::string>& words);
  [[nodiscard]] bool sprung(Link& link, Step step, Moment moment);
  void remember(const Pending& command, std::string_view reply);
  void close_link(Link& link);

  std::string listen_path_, server_path_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  mutable std::mutex mutex_;  // guards everything below
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Trap> traps_;
  std::vector<Kill> kills_;
  std::map<Step, int> seen_;
  std::set<std::string> errors_;  // first words
  std::map<Step, Clock::time_point> last_seen_;
  std::vector<FinishedPhoto> finished_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace photoscribe::test
