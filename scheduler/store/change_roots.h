// change_roots: for photos that have moved, or are gone for good: gives a root another folder,
// merges it with the root that a run made of its new folder, or forgets rows.
//
// Each takes the database's lock and is one transaction; fails with store_locked while a scheduler
// is running. Results that workers finished but no scheduler recorded are computed again: the runs
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
  std::string joined_with;  // the name of the root at `to`; empty: there is none
  std::int64_t photos = 0;  // of the root, of all runs
  std::int64_t twice = 0;   // of these, photos that also have a row under `to`: one stays
  bool operator==(const MovedRoot&) const = default;
};

/// What a move of folder `from` to `to` would do, or has done: to the root that is `from` (or has
/// that name), and to roots inside it. Both folders are absolute, `from` as the database has it.
/// Fails with usage where there is no such root.
[[nodiscard]] Expected<std::vector<MovedRoot>> plan_move(const std::string& database,
                                                         const std::string& from,
                                                         const std::string& to);
/// Of two rows of one photo and run, the older one stays, with its history, if the file is the same
/// (size and time) and it has a result, or if the other has none; otherwise the other.
[[nodiscard]] Expected<std::vector<MovedRoot>> move_roots(const std::string& database,
                                                          const std::string& from,
                                                          const std::string& to);

/// Which rows are meant.
struct Forgotten {
  std::string root;       // name or folder; empty: of any
  std::string run;        // name; empty: of any
  bool vanished = false;  // only those that were no longer found
};
struct ForgetCounts {
  std::int64_t photos = 0, captions = 0, references = 0;
  std::vector<std::string> runs;  // names
  std::int64_t edited = 0;        // photos that somebody edited, and that no other run has
  bool operator==(const ForgetCounts&) const = default;
};
/// Fails with usage where there is no such root or run.
[[nodiscard]] Expected<ForgetCounts> count_forgotten(const std::string& database,
                                                     const Forgotten& which);
/// Removes the rows with everything that refers to them, and roots without any photo left. Edits
/// are of a photo: they go with the last row of it, unless only one run was to be forgotten.
[[nodiscard]] Expected<ForgetCounts> forget_photos(const std::string& database,
                                                   const Forgotten& which);

/// A root whose photos have results that photos of another root reused.
struct FoundElsewhere {
  Root gone, here;
  std::int64_t photos = 0;      // so many
  std::int64_t same_paths = 0;  // of these, under the same path
};
/// Of roots other than the run's `here` ones, most photos first. Does not look at the disk.
[[nodiscard]] Expected<std::vector<FoundElsewhere>> found_elsewhere(const std::string& database,
                                                                    RunId run);

}  // namespace photoscribe
