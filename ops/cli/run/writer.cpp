#include "ops/cli/run/writer.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <string>

namespace photoscribe::cli {

// A line of /proc/locks: "7: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF". The device is not
// compared: overlay file systems show another one there than stat() does.
std::optional<pid_t> current_writer(const std::string& database) {
  struct stat lock {};
  if (stat((database + ".lock").c_str(), &lock) != 0) return std::nullopt;
  const std::string inode = ":" + std::to_string(lock.st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, access, place;
    pid_t pid = 0;
    if (!(words >> number >> kind >> advisory >> access >> pid >> place)) continue;
    if (kind == "FLOCK" && access == "WRITE" && place.ends_with(inode)) return pid;
  }
  return std::nullopt;
}

}  // namespace photoscribe::cli
