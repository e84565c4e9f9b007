// change_roots: what a person may do about photos that have moved, or are gone for good: give a
// root another folder, join it with the root that was made of its new place, or forget rows.
//
// Each takes the database's lock and is one transaction; fails with store_locked while a scheduler
// is at work. What workers have finished and no scheduler has recorded yet is done again: the runs
// that change get new keys in Redis.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

/// One root that a move concerns.
struct MovedRoot {
  std::string name;
  std::string from, to;     // folders
  std::string joined_with;  // the name of the root that was made of `to`; empty: there is none
  std::int64_t photos = 0;  // of the root, of all runs
  std::int64_t twice = 0;   // of these, photos that have a row under `to` as well: one stays
  bool operator==(const MovedRoot&) const = default;
};

/// What a move of folder `from` to `to` would do, or has done: to the root that is `from` (or has
/// that name), and to roots inside it. Both folders are absolute, `from` as the database has it.
/// Fails with usage where there is no such root.
[[nodiscard]] Expected<std::vector<MovedRoot>> plan_move(const std::string& database,
                                                         const std::string& from,
                                                         const std::string& to);
/// Of two rows of one photo and run, the one from before stays, with its history, where the file is
/// the same (size and time) and it has a result, or the other has none; else the other.
[[nodiscard]] Expected<std::vector<MovedRoot>> move_roots(const std::string& database,
                                                          const std::string& from,
                                                          const std::string& to);

/// Which rows are meant.
struct Forgotten {
  std::string root;       // name or folder; empty: of any
  std::string run;        // name; empty: of any
  bool vanished = false;  // only those that were not found any more
};
struct ForgetCounts {
  std::int64_t photos = 0, captions = 0, references = 0;
  std::vector<std::string> runs;  // names
  bool operator==(const ForgetCounts&) const = default;
};
/// Fails with usage where there is no such root or run.
[[nodiscard]] Expected<ForgetCounts> count_forgotten(const std::string& database,
                                                     const Forgotten& which);
/// Takes the rows away with all that hangs on them, and a root that holds no photo of any run.
[[nodiscard]] Expected<ForgetCounts> forget_photos(const std::string& database,
                                                   const Forgotten& which);

/// A root whose photos have results that photos of another root took over.
struct FoundElsewhere {
  Root gone, here;
  std::int64_t photos = 0;      // so many
  std::int64_t same_paths = 0;  // of these, under the same path
};
/// Of roots other than the run's `here` ones, most photos first. Does not look at the disk.
[[nodiscard]] Expected<std::vector<FoundElsewhere>> found_elsewhere(const std::string& database,
                                                                    RunId run);

}  // namespace photoscribe
