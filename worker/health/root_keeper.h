// root_keeper: whether photos of each root are accepted. Not while its storage is gone, does not
// answer, or has just had a fault: that is no photo's fault (design.md 6), and stops work on that
// root and on no other.
//
// A fault is judged by what a check of its root says, on a thread that may hang with it
// (root_probes.h). Until then the job counts as in work.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "worker/health/fault_counts.h"
#include "worker/health/root_probes.h"
#include "worker/pipeline/jobs_in_work.h"

namespace photoscribe {

struct RootSettings {
  RootCheck check = [](const PhotoRoot& root) { return root.check(); };
  std::chrono::milliseconds read_patience{5'000};  // a read so long makes us look at its root
  std::chrono::milliseconds answer_limit{5'000};   // of that look; later: "does not answer"
  BlameSettings blame;
};

/// What a keeper requests. Called on its own thread.
struct RootActions {
  std::function<void(const Job&)> give_back;          // it has ended without a result
  std::function<void(Job, Failed)> fail;              // it has ended, and the photo is to blame
  std::function<void(const std::string& root)> lost;  // its tasks are no longer wanted
  std::function<void()> regained;                     // a root is ready again
  std::function<void(const std::string& why)> too_many_hang;  // the worker should be replaced
};

class RootKeeper {
 public:
  using Clock = std::chrono::steady_clock;
  /// How long since then, without the time in which the whole process stood still.
  using WorkedSince = std::function<Clock::duration(Clock::time_point)>;

  RootKeeper(const Roots& roots, RootSettings settings, boost::asio::any_io_executor executor,
             RootActions actions);

  [[nodiscard]] bool is_ready(const std::string& root) const;
  /// Of the roots of a run; a run that names none may use any.
  [[nodiscard]] bool some_ready(const std::vector<std::string>& names) const;
  [[nodiscard]] bool none_ready() const;
  /// Root -> why it is not read now; empty: it is.
  [[nodiscard]] std::map<std::string, std::string> report() const;

  /// A photo of the root was read.
  void was_read(const std::string& root);
  /// The photo could not be read, and it is not known why.
  void on_fault(Faulted item);
  /// What could not be read and is not judged goes back.
  void give_unjudged_back();

  /// Every tenth of a second: asks after roots that are not ready and after reads that take long,
  /// and abandons reads that hang with their storage.
  void watch(JobsInWork& jobs, const WorkedSince& worked_since);
  /// Whether a read that is overdue is the photo's fault: its storage answered when the read was
  /// late already, by `late_after` at most, and not long ago. Otherwise the root is asked.
  [[nodiscard]] bool answers_beside(const InWork& reading, Clock::duration late_after);

 private:
  struct State {
    bool ready = true;
    bool silent = false;  // the check in flight is late
    bool dead = false;    // what the last check that came back said
    std::string why;
    int failures = 0;                                       // in a row, for the back-off
    Clock::time_point retry_at{}, tell_at{};                // when to look, or to log, again
    Clock::time_point alive_at = Clock::time_point::min();  // a check that began then succeeded
    std::uint64_t photos_read = 0;
    std::vector<Faulted> unjudged;  // what could not be read since the check began
  };

  void on_answer(const RootProbes::Answer& answer);
  void on_alive(const std::string& name, Clock::time_point asked);
  void on_dead(const std::string& name, const std::string& why);
  void rest(const std::string& name, const std::string& why);
  void make_ready(const std::string& name);
  void fall_silent(const std::string& name);
  void give_unjudged_back(State& root);
  /// A read of a remote root, which has its own limits (remote_photos.h).
  [[nodiscard]] bool ends_by_itself(const InWork& reading) const;
  /// Reads of this root that have hung for longer than `older_than`.
  void leave_readers_behind(JobsInWork& jobs, const std::string& name, Clock::duration older_than,
                            const WorkedSince& worked_since);

  const Roots& roots_;
  const RootSettings settings_;
  const RootActions actions_;
  std::map<std::string, State> states_;
  FaultCounts faults_;
  int hung_reads_ = 0;  // threads abandoned, ever
  RootProbes probes_;
};

/// Which photo of which run a fault counts against.
[[nodiscard]] FaultCounts::ImageKey key_of(const Job& job);
/// The failure of a photo that is to blame for its faults.
[[nodiscard]] Failed blamed(const Faulted& item, Reason reason, int faults);

}  // namespace photoscribe
