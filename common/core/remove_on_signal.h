// remove_on_signal: what a verb has begun to write does not stay behind when Ctrl-C ends it.
#pragma once

#include <string>
#include <vector>

namespace photoscribe {

/// While it lives, SIGINT, SIGTERM and SIGHUP remove these files, of which some may not be there,
/// and then end the process as they would have. A signal that was ignored when we were started
/// (nohup) stays ignored. One at a time; the destructor removes nothing.
class RemoveOnSignal {
 public:
  explicit RemoveOnSignal(std::vector<std::string> files);
  ~RemoveOnSignal();
  RemoveOnSignal(const RemoveOnSignal&) = delete;
  RemoveOnSignal& operator=(const RemoveOnSignal&) = delete;
};

}  // namespace photoscribe
