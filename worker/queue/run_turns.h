// run_turns: from which run a worker takes next, when it has joined several (design.md 4, "Several
// runs, one fleet").
//
// Pure: it counts photos and knows no Redis. Runs of the highest priority go first; among equals
// each gets photos in proportion to its weight, whatever the number of photos it has: start-time
// fair queuing (Goyal, Vin, Cheng, SIGCOMM 1996), with a worker as the link and photos as bytes. A
// run that had nothing for a while is owed nothing for it, so it holds up nobody when it returns.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace photoscribe {

struct RunShare {
  std::string run;  // incarnation
  int weight = 1;   // >= 1
  int priority = 0;
};

class RunTurns {
 public:
  /// The runs in the order in which to look for work: the first that has some gets it.
  [[nodiscard]] std::vector<std::string> order(const std::vector<RunShare>& runs) const;
  /// `photos` were taken from this one.
  void took(const RunShare& run, std::size_t photos);
  void forget(const std::string& run) { finish_.erase(run); }

 private:
  [[nodiscard]] double start_of(const RunShare& run) const;

  std::map<std::string, double> finish_;  // virtual time at which its last photo was paid for
  std::map<int, double> now_;             // virtual time by priority: the start of the last turn
};

}  // namespace photoscribe
