#include "common/core/resident_memory.h"

#include <unistd.h>

#include <fstream>

namespace photoscribe {

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  statm >> all >> resident;
  return statm ? resident * ::sysconf(_SC_PAGESIZE) : 0;
}

}  // namespace photoscribe
