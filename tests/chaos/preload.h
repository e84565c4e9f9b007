// preload: a library for LD_PRELOAD that lies to a process about the time, kills it in the middle
// of a database write, and makes its storage fail.
//
// Told what to do through a small file that test and process map together, so that a clock can jump
// while the process runs. It calls the kernel itself and looks up nothing, because Debian's
// redis-server asks for the time before the dynamic linker is ready to be asked (libfaketime hangs
// there).
#pragma once

#include <cstdint>

namespace photoscribe::test {

inline constexpr const char* kPreloadVariable = "CHAOS_PRELOAD_FILE";

/// The layout of the file. Written by one side and read by the other, a word at a time.
struct PreloadOrders {
  volatile std::int64_t clock_offset_s = 0;  // added to the wall clock, not to monotonic ones
  volatile std::int64_t kill_at_write = 0;   // SIGKILL half-way in the Nth write to *-wal; 0: never
  volatile std::int64_t wal_writes = 0;      // so far, of every process that has the file
  volatile std::int64_t photos_fail = 0;     // 1: every read of a *.jpg is EIO
  volatile std::int64_t failed_reads = 0;    // so far
};

}  // namespace photoscribe::test
