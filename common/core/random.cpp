#include "common/core/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace photoscribe {

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  // Eight bytes come whole once the kernel's pool is ready; only a signal before that interrupts.
  while (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) {
    if (errno != EINTR) std::abort();  // ENOSYS: a kernel before 3.17
  }
  return value;
}

double random_unit() {
  return static_cast<double>(random_u64() >> 11) * 0x1.0p-53;  // 53 bits
}

}  // namespace photoscribe
