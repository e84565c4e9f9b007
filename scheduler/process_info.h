// process_info: what /proc says about a process: when it started, how much memory it holds.
//
// A process id alone names nobody: ids are used again. Id, start time and boot together do, and
// that is how left-overs of a killed run are recognised.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace photoscribe {

/// A process that is or was, written to and read from one line of text.
struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  // since boot, from /proc/PID/stat
  std::string boot_id;
  bool operator==(const ProcessIdentity&) const = default;
};

/// None when there is no such process.
[[nodiscard]] std::optional<ProcessIdentity> identify_process(pid_t pid);
[[nodiscard]] std::string to_line(const ProcessIdentity& process);
[[nodiscard]] std::optional<ProcessIdentity> process_from_line(const std::string& line);

/// True while that very process runs (a zombie does not).
[[nodiscard]] bool is_running(const ProcessIdentity& process);
/// SIGKILL, if it is still that very process, and waits up to a second for it to be gone.
void kill_process(const ProcessIdentity& process);

/// Resident bytes now and at most so far; 0 when unknown.
[[nodiscard]] std::int64_t resident_bytes(pid_t pid);
[[nodiscard]] std::int64_t peak_resident_bytes(pid_t pid);

}  // namespace photoscribe
