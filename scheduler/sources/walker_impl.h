// walker_impl: what a walk remembers. Private to walker.cpp and walk_archives.cpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/sqlite/storage.h"
#include "scheduler/sidecars/social_exports.h"
#include "scheduler/sources/archive_walk.h"
#include "scheduler/sources/folder_listing.h"
#include "scheduler/sources/sources.h"
#include "scheduler/sources/walk_filter.h"
#include "scheduler/store/paths.h"

namespace photoscribe {

using sqlite::text_of;

inline constexpr std::size_t kWarningsMax = 200;    // a broken archive must not fill memory
inline constexpr std::size_t kUnknownMax = 10'000;  // folders; beyond them, the start as a whole

/// Archives that are walked together, since one may have what is said of another's photos: those of
/// a folder, or those that were named.
struct ArchiveSet {
  ArchiveExports exports;
  std::vector<FoundFile> held;  // photos, and archives behind theirs, until all are listed
  std::deque<FoundFile> known;  // unchanged since the last scan: not listed unless need be
  bool listed = false;          // others were
  bool told = false;            // the last scan found something said of photos
  bool holds = true;            // false: very many photos, and nothing was said of any
};

struct Walker::Impl {
  struct Frame {
    std::string path;  // relative to the root
    FolderListing listing;
    std::unique_ptr<ArchiveSet> archives;
    Frame(std::string relative, FolderListing names)
        : path(std::move(relative)), listing(std::move(names)) {}
  };
  struct Link {
    std::string path, target;  // relative; real and absolute
  };

  SourcePlan plan;
  WalkOptions options;
  WalkReport report;

  std::size_t start = 0;  // the one being walked
  bool started = false;
  bool barren = true;  // nothing in it looks like a photo
  std::vector<Frame> stack;
  std::vector<Link> links;  // followed after everything reachable without them
  std::set<std::pair<std::uint64_t, std::uint64_t>> entered;  // of the current root
  int entered_root = -1;
  std::optional<ArchiveWalk> archive;  // being looked through
  std::unique_ptr<ArchiveSet> named_archives;
  std::deque<FoundFile> ready;  // of archives: to be handed out
  int steps = 0;
  bool interrupted = false;                                               // by WalkOptions::goes_on
  std::map<std::pair<std::string, std::string>, const FoundFile*> known;  // by root and path
  std::string folder_of_marks;  // whose names were looked at for a `!`, and whether one has it
  bool has_marks = false;
  SkippedNames skipped;
  std::size_t warnings_left_out = 0;
  std::set<std::pair<int, std::string>> unknown;   // root and folder
  std::map<std::string, NotSeen> leading_out;      // by the folder that they lead to
  std::optional<sidecars::SocialExports> exports;  // of the start
  bool finished = false;

  Impl(SourcePlan sources, WalkOptions chosen)
      : plan(std::move(sources)), options(std::move(chosen)) {
    for (const KnownArchive& one : options.known_archives)
      known[{one.root, one.file.path}] = &one.file;
  }

  [[nodiscard]] const Root& root() const {
    return plan.roots[static_cast<std::size_t>(plan.starts[start].root)];
  }
  [[nodiscard]] std::string place_of(const FoundFile& file) const {
    return joined(plan.roots[static_cast<std::size_t>(file.root)].folder, file.path);
  }
  [[nodiscard]] std::string absolute(const std::string& path) const {
    return path.empty() ? root().folder : joined(root().folder, path);
  }

  void warn(std::string text) {
    if (report.warnings.size() < kWarningsMax) {
      report.warnings.push_back(std::move(text));
    } else {
      ++warnings_left_out;
    }
  }

  /// What is in this folder of the root is unknown.
  void keep_unknown(const std::string& folder) {
    const SourceStart& from = plan.starts[start];
    unknown.emplace(from.root, unknown.size() < kUnknownMax ? folder : from.path);
  }
  void not_seen(const std::string& path, const std::string& folder, std::string why) {
    barren = false;
    keep_unknown(folder);
    ++report.not_seen_count;
    if (report.not_seen.size() < kWarningsMax)
      report.not_seen.push_back({absolute(path), std::move(why)});
  }
  void not_seen(const std::string& path, const std::string& folder, int error) {
    not_seen(path, folder, std::string(std::strerror(error)));
  }
  [[nodiscard]] bool may_lead_to(const std::string& target) const;
  void leads_out(const std::string& path, const std::string& folder, const std::string& store);

  Status begin_start(std::vector<FoundFile>& found);
  Status enter(const std::string& path, bool is_start);
  Status enter(const std::string& path, const std::string& opened_as, bool is_start);
  void visit(const FolderListing::Entry& entry, std::vector<FoundFile>& found);
  void visit_link(const std::string& path, std::vector<FoundFile>& found);
  void visit_file(const std::string& path, bool is_link, std::vector<FoundFile>& found);
  void take_file(const std::string& path, std::vector<FoundFile>& found);
  [[nodiscard]] bool link_leads_out(const std::string& path);
  [[nodiscard]] std::optional<FoundFile> look_at(const std::string& path);
  void visit_archive(const std::string& path, bool is_link, std::vector<FoundFile>& found);
  void meet_archive(const std::string& path, std::vector<FoundFile>& found);
  [[nodiscard]] const FoundFile* unchanged(const FoundFile& archive_file) const;
  void begin_archive(FoundFile file);
  [[nodiscard]] ArchiveWalk::IsFile files_beside(const FoundFile& archive_file);
  [[nodiscard]] ArchiveSet& set_of_archives();
  [[nodiscard]] bool close(std::unique_ptr<ArchiveSet>& set);
  [[nodiscard]] bool close_named();
  void close_at_limit();
  void hand_known(FoundFile file, std::vector<FoundFile>& found);
  void let_go(ArchiveSet& set);
  void describe(ArchiveSet& set);
  void not_seen(const FoundFile& archive_file, std::string why);
  void walk_archive(std::vector<FoundFile>& found, std::size_t count);
  void end_archive(const ArchiveFailure* failure, std::vector<FoundFile>& found);
  [[nodiscard]] bool left_to_another_root(const std::string& path) const;
  void follow(const Link& link);
  void end_start();
  void finish();
  /// Asks goes_on, not every time.
  [[nodiscard]] bool may_go_on() {
    constexpr int kStepsAtOnce = 1'000;
    const bool asks = !interrupted && options.goes_on && ++steps % kStepsAtOnce == 0;
    if (asks) interrupted = !options.goes_on();
    return !interrupted;
  }
  [[nodiscard]] bool at_limit() const { return options.limit && report.files >= *options.limit; }
};

}  // namespace photoscribe
