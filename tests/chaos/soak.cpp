// soak: random damage every two seconds or so, for minutes, to whole runs (`ops/check soak`).
//
// Rounds of a manifest under one seed until the time is over; a run that ends is started again, as
// a person would. The last round goes on undisturbed to its end. Held means: nothing lost, nothing
// doubled, nobody blamed, by the check that follows every chaos test.
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/chaos/chaos.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;

constexpr double kLongOutage_s = 20;  // worth telling how it came

int number_from(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

class Soak : public Chaos {
 protected:
  void round(Clock::time_point until);
  void report() const;
  [[nodiscard]] bool time_is_over() const { return Clock::now() >= until_; }

  int photos_ = number_from("CHAOS_SOAK_PHOTOS", 20'000);
  int rounds_ = 0;

 private:
  struct Damage {
    const char* name;
    int weight;
    void (Soak::*act)();
  };
  void strike();
  void kill_worker();
  void kill_scheduler() { run_->signal(SIGKILL); }
  void kill_redis();
  void empty_redis();
  void kill_everything();
  void stop_worker();
  void stop_scheduler() { stand_still(run_->pid()); }
  void stop_redis() { stand_still(redis().pid()); }
  void flush() { redis().flushall(); }
  void cut() { proxy().cut(); }
  void stand_still(pid_t pid);
  void wake(bool all);
  void watch();
  bool keep_running();

  struct Sleeper {
    pid_t pid;
    Clock::time_point until;
  };
  std::optional<Process> run_;
  std::vector<Sleeper> sleepers_;
  std::map<std::string, int> done_;
  std::vector<double> outages_s_;
  std::optional<Clock::time_point> outage_;
  std::string story_;  // what was done in this outage
  Clock::time_point until_;
  int last_results_ = 0, starts_ = 0, finished_photos_ = 0;
};

void Soak::kill_worker() {
  const std::vector<pid_t> all = workers();
  if (!all.empty()) ::kill(all[static_cast<std::size_t>(pick(0, 1'000)) % all.size()], SIGKILL);
}

void Soak::kill_redis() {
  redis().kill();
  redis().start();
}

void Soak::empty_redis() {
  redis().kill();
  std::filesystem::remove_all(redis().folder().path() / "appendonlydir");
  redis().start();
}

void Soak::kill_everything() {
  for (const pid_t worker : workers()) ::kill(worker, SIGKILL);
  run_->signal(SIGKILL);
  kill_redis();
}

void Soak::stop_worker() {
  const std::vector<pid_t> all = workers();
  if (!all.empty()) stand_still(all[static_cast<std::size_t>(pick(0, 1'000)) % all.size()]);
}

void Soak::stand_still(pid_t pid) {
  ::kill(pid, SIGSTOP);
  sleepers_.push_back({pid, Clock::now() + std::chrono::milliseconds(pick(300, 4'000))});
}

void Soak::wake(bool all) {
  std::erase_if(sleepers_, [&](const Sleeper& sleeper) {
    if (!all && Clock::now() < sleeper.until) return false;
    ::kill(sleeper.pid, SIGCONT);
    return true;
  });
}

void Soak::strike() {
  static constexpr Damage kDamages[] = {{"worker killed", 35, &Soak::kill_worker},
                                        {"worker stopped", 15, &Soak::stop_worker},
                                        {"scheduler killed", 10, &Soak::kill_scheduler},
                                        {"scheduler stopped", 5, &Soak::stop_scheduler},
                                        {"Redis killed", 10, &Soak::kill_redis},
                                        {"Redis stopped", 5, &Soak::stop_redis},
                                        {"Redis back empty", 5, &Soak::empty_redis},
                                        {"FLUSHALL", 5, &Soak::flush},
                                        {"connections cut", 5, &Soak::cut},
                                        {"all killed", 5, &Soak::kill_everything}};
  int left = pick(1, 100);
  for (const Damage& damage : kDamages) {
    left -= damage.weight;
    if (left > 0) continue;
    if (damage.act != &Soak::kill_worker && damage.act != &Soak::stop_worker) wake(true);
    (this->*damage.act)();
    ++done_[damage.name];
    if (!outage_) story_.clear();
    if (!outage_) outage_ = Clock::now();
    const std::chrono::duration<double> at = Clock::now() - *outage_;
    story_ += " " + std::to_string(static_cast<int>(at.count())) + " s " + damage.name + ",";
    return;
  }
}

/// Looks for new results: the end of an outage.
void Soak::watch() {
  const int now = results();
  if (now > last_results_ && outage_) {
    const double seconds = std::chrono::duration<double>(Clock::now() - *outage_).count();
    outages_s_.push_back(seconds);
    if (seconds > kLongOutage_s)
      std::printf("%.0f s without a result:%s\n", seconds, story_.c_str());
    outage_.reset();
  }
  last_results_ = now;
}

/// Starts the run again when it has ended before its end; false when it is complete.
bool Soak::keep_running() {
  if (run_ && !run_->ended()) return true;
  if (run_ && run_->wait().exit_status == 0) return false;
  ++starts_;
  run_.emplace(scribe({"--workers", "2"}), folder_.path().string());
  return true;
}

void Soak::round(Clock::time_point until) {
  until_ = until;
  ++rounds_;
  run_.reset();
  last_results_ = 0;
  outage_.reset();
  auto next = Clock::now() + 3s;
  while (keep_running()) {
    std::this_thread::sleep_for(50ms);
    watch();
    wake(time_is_over());
    if (Clock::now() < next || time_is_over()) continue;
    strike();
    next = Clock::now() + std::chrono::milliseconds(pick(1'000, 3'000));
  }
  finished_photos_ += photo_count();
}

void Soak::report() const {
  std::vector<double> outages = outages_s_;
  std::sort(outages.begin(), outages.end());
  std::string text;
  int damages = 0;
  for (const auto& [name, times] : done_) {
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(times);
    damages += times;
  }
  std::printf("photos %d in %d rounds; started %d times; damage %d times: %s\n", finished_photos_,
              rounds_, starts_, damages, text.c_str());
  if (outages.empty()) return;
  std::printf(
      "next result after damage: median %.1f s, 95 %% %.1f s, longest %.1f s (%zu outages)\n",
      outages[outages.size() / 2], outages[outages.size() * 95 / 100], outages.back(),
      outages.size());
}

TEST_F(Soak, RandomDamageLosesNothingDoublesNothingAndBlamesNobody) {
  const auto minutes = std::chrono::minutes(number_from("CHAOS_SOAK_MINUTES", 1));
  const auto until = Clock::now() + minutes;
  RedisOptions options;
  options.aof = true;
  begin(photos_, options);
  ::unsetenv("CHAOS_FAULTS");  // as fast as it goes
  do {
    for (const char* const tail : {"", "-wal", "-shm"}) std::filesystem::remove(database() + tail);
    proxy().forget_finished();
    round(until);
    expect_nothing_lost();
    const int finals = std::stoi(count("state IN ('done', 'blurred', 'failed')"));
    std::printf("round %d: lost %d, doubled %d, blamed %s\n", rounds_, photo_count() - finals,
                results() - photo_count(), count("state = 'failed'").c_str());
  } while (!time_is_over() && !HasFailure());
  report();
}

}  // namespace
}  // namespace photoscribe::test
