// list_walker: from lists of photos to the files of a run: which roots they need, then file after
// file, in the lists' order.
//
// A list is read twice: once for its roots and for what is wrong in it, before anything is changed;
// once for its photos. A photo that is not there comes all the same: its row says so.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "scheduler/sources/list_file.h"
#include "scheduler/sources/list_options.h"
#include "scheduler/sources/sources.h"

namespace photoscribe {

/// Lists that were read once: each path lies in a root of the plan.
struct ListSources {
  std::vector<ListFile> files;
  ListOptions options;  // its root is absolute and real
};

using GoesOn = std::function<bool(std::int64_t photos)>;

/// Opens the lists and adds the roots that they need to `plan`. `known` are the database's roots,
/// `scratch_folder` as in ListFile::open(). Fails with usage for a list or a path that cannot be
/// meant, naming its line, and when the lists name no photo. `goes_on` is asked now and then, with
/// the photos read so far; with cancelled when it says no.
[[nodiscard]] Expected<ListSources> plan_lists(std::span<const std::string> lists,
                                               const ListOptions& options,
                                               const std::string& scratch_folder,
                                               std::span<const Root> known, SourcePlan& plan,
                                               const GoesOn& goes_on = {});

struct ListReport {
  std::int64_t files = 0;          // handed out, those that are named twice twice
  std::int64_t absent = 0;         // of these: not there
  std::int64_t filtered = 0;       // left out by include, exclude or only_names
  std::vector<std::string> notes;  // text for a person
  std::vector<NotSeen> not_seen;   // lines without a path: the first of them, and how many in all
  std::int64_t not_seen_count = 0;
  bool reached_limit = false;
};

class ListWalker {
 public:
  ListWalker(ListSources lists, const SourcePlan& plan, WalkOptions options);
  ListWalker(ListWalker&&) noexcept;
  ListWalker& operator=(ListWalker&&) noexcept;
  ~ListWalker();

  /// Up to `count` more files; an empty vector is the end. Fails with environment.
  [[nodiscard]] Expected<std::vector<FoundFile>> next(std::size_t count = 10'000);

  /// Complete after the end.
  [[nodiscard]] const ListReport& report() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace photoscribe
