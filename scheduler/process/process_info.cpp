#include "scheduler/process/process_info.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "common/core/file_descriptor.h"

namespace photoscribe {
namespace {

std::string boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

struct Stat {
  char state = 0;
  std::uint64_t start_ticks = 0;
};

std::optional<Stat> read_stat(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  const auto close = line.rfind(')');  // the command's name may hold anything, ')' too
  if (close == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(close + 1));
  Stat stat;
  rest >> stat.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) rest >> skipped;  // field 22 is the start time
  if (!(rest >> stat.start_ticks)) return std::nullopt;
  return stat;
}

std::int64_t status_kib(pid_t pid, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(name, 0) == 0) return std::atoll(line.c_str() + name.size());
  }
  return 0;
}

}  // namespace

std::optional<ProcessIdentity> identify_process(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return std::nullopt;
  return ProcessIdentity{pid, stat->start_ticks, boot_id()};
}

std::string to_line(const ProcessIdentity& process) {
  return std::to_string(process.pid) + " " + std::to_string(process.start_ticks) + " " +
         process.boot_id;
}

std::optional<ProcessIdentity> process_from_line(const std::string& line) {
  std::istringstream in(line);
  ProcessIdentity process;
  if (!(in >> process.pid >> process.start_ticks >> process.boot_id) || process.pid <= 1) {
    return std::nullopt;
  }
  return process;
}

bool is_running(const ProcessIdentity& process) {
  const auto stat = read_stat(process.pid);
  return stat && stat->state != 'Z' && stat->start_ticks == process.start_ticks &&
         boot_id() == process.boot_id;
}

std::string program_name(const std::string& executable) {
  constexpr std::size_t kLongest = 15;  // TASK_COMM_LEN less its zero
  return executable.substr(executable.rfind('/') + 1).substr(0, kLongest);
}

std::string program_name_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(in, name);
  return name;
}

void kill_process(const ProcessIdentity& process, const std::vector<std::string>& programs) {
  // The descriptor is taken first and the identity looked at second: it cannot come to mean
  // another.
  const FileDescriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd.valid()) return;
  struct ::stat folder {};
  const bool ours =
      ::stat(("/proc/" + std::to_string(process.pid)).c_str(), &folder) == 0 &&
      folder.st_uid == ::geteuid() &&
      std::find(programs.begin(), programs.end(), program_name_of(process.pid)) != programs.end();
  if (ours && is_running(process)) {
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    pollfd gone{pidfd.get(), POLLIN, 0};
    ::poll(&gone, 1, 1'000);
  }
}

std::int64_t resident_bytes(pid_t pid) { return status_kib(pid, "VmRSS:") * 1024; }
std::int64_t peak_resident_bytes(pid_t pid) { return status_kib(pid, "VmHWM:") * 1024; }

}  // namespace photoscribe
