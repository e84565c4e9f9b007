// process_info: what /proc says about a process: when it started, how much memory it holds.
//
// A process id alone names nobody: ids are used again. Id, start time and boot together do, and
// that is how left-overs of a killed run are recognised.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
/// What the kernel calls a program (the first 15 characters of its file's name), and what it calls
/// the one that process `pid` runs; empty when there is no such process.
[[nodiscard]] std::string program_name(const std::string& executable);
[[nodiscard]] std::string program_name_of(pid_t pid);

/// SIGKILL, if it is still that very process, belongs to this user and runs one of `programs`
/// (program_name()), and waits up to a second for it to be gone: a note that somebody forged gets
/// nothing else killed.
void kill_process(const ProcessIdentity& process, const std::vector<std::string>& programs);

/// Resident bytes now and at most so far; 0 when unknown.
[[nodiscard]] std::int64_t resident_bytes(pid_t pid);
[[nodiscard]] std::int64_t peak_resident_bytes(pid_t pid);

}  // namespace photoscribe
