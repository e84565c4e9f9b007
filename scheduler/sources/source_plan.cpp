// From arguments to roots and starting points.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "common/sqlite/storage.h"
#include "scheduler/sources/archive_listing.h"
#include "scheduler/sources/root_name.h"
#include "scheduler/sources/sources.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

using sqlite::text_of;

struct Named {
  std::string path;  // absolute, symbolic links of folders resolved
  bool is_file = false;
  std::string leads_to;  // of a file that is a link out of its folder: the real path
  bool is_archive = false;
};

/// `path` relative to `folder`, which contains it.
std::string relative_to(const std::string& path, const std::string& folder) {
  if (path == folder) return "";
  return path.substr(folder == "/" ? 1 : folder.size() + 1);
}

tl::unexpected<Error> cannot_look(const std::string& argument, int error) {
  const bool absent = error == ENOENT || error == ENOTDIR;
  if (absent && argument.find("://") != std::string::npos) {
    return fail(Errc::usage, text_of(argument) +
                                 ": is a URL, but photos are fetched from https://, http:// and "
                                 "s3:// alone: download them first and name their folder");
  }
  return fail(absent ? Errc::usage : Errc::environment,
              text_of(argument) + ": " + std::strerror(error) +
                  (absent ? "; name folders or photos that exist" : ""));
}

Expected<std::string> real_path_of(const std::string& path, const std::string& argument) {
  std::string real = real_path(path);
  if (real.empty()) return cannot_look(argument, errno);
  return real;
}

/// A folder's real path; a file keeps its own name in its folder's real path, so that a link is
/// seen as a link.
Expected<Named> look(const std::string& argument) {
  if (argument.empty()) return fail(Errc::usage, "an empty path was given for photos");
  struct ::stat node {};
  const bool reachable = ::stat(argument.c_str(), &node) == 0;
  if (!reachable && ::lstat(argument.c_str(), &node) != 0) return cannot_look(argument, errno);
  if (reachable && S_ISDIR(node.st_mode)) {
    auto folder = real_path_of(argument, argument);
    if (!folder) return fail(folder.error());
    return Named{std::move(*folder), false, {}, false};
  }
  const std::filesystem::path whole = std::filesystem::absolute(argument);
  auto folder = real_path_of(whole.parent_path().string(), argument);
  if (!folder) return fail(folder.error());
  if (const auto what = what_else_it_is(argument))
    return fail(Errc::usage, text_of(argument) + ": " + *what);
  Named named{(*folder == "/" ? "" : *folder) + "/" + whole.filename().string(),
              true,
              {},
              is_archive(argument)};
  if (named.is_archive) {
    if (const auto why = why_no_archive(argument))
      return fail(Errc::usage, text_of(argument) + ": " + *why);
  }
  const std::string real = real_path(argument);
  if (!real.empty() && !lies_in(real, *folder)) named.leads_to = real;
  return named;
}

/// Where named links lead, and what --follow-links names. For very many links the folders of their
/// targets are listed instead: each worker gets the list on its command line.
Expected<std::vector<std::string>> link_stores_of(const std::vector<Named>& named,
                                                  std::span<const std::string> follow_links) {
  constexpr std::size_t kFilesMax = 64;
  std::set<std::string> stores;
  for (const Named& one : named) {
    if (!one.leads_to.empty()) stores.insert(one.leads_to);
  }
  if (stores.size() > kFilesMax) {
    std::set<std::string> folders;
    for (const std::string& file : stores) folders.insert(folder_of(file));
    stores = std::move(folders);
  }
  for (const std::string& place : follow_links) {
    auto real = real_path_of(place, "--follow-links " + place);
    if (!real) return fail(real.error());
    stores.insert(std::move(*real));
  }
  return std::vector<std::string>(stores.begin(), stores.end());
}

/// Drops arguments inside another one's folder, and duplicates. Archives stay: the walk of a folder
/// need not look into them.
std::vector<Named> without_nested(std::vector<Named> named) {
  std::vector<Named> kept;
  for (std::size_t i = 0; i < named.size(); ++i) {
    bool covered = false;
    for (std::size_t j = 0; j < named.size() && !covered; ++j) {
      if (i == j) continue;
      covered = named[i].path == named[j].path ? j < i
                                               : !named[j].is_file && !named[i].is_archive &&
                                                     lies_in(named[i].path, named[j].path);
    }
    if (!covered) kept.push_back(named[i]);
  }
  return kept;
}

class Planner {
 public:
  explicit Planner(std::span<const Root> known) : known_(known) {
    for (const Root& root : known) names_.insert(root.name);
  }

  void add(const Named& named) {
    const std::string folder =
        named.is_file ? std::filesystem::path(named.path).parent_path().string() : named.path;
    const int root = root_for(folder);
    const std::string outer = plan_.roots[static_cast<std::size_t>(root)].folder;
    plan_.starts.push_back(
        {root, relative_to(named.path, outer), named.is_file, true, named.is_archive});
    if (named.is_file) return;
    // Roots of the database inside a folder that is walked keep their photos: walked on their own.
    for (const Root& inner : known_) {
      if (inner.folder != named.path && lies_in(inner.folder, named.path)) {
        plan_.starts.push_back({index_of(inner), "", false, false});
      }
    }
  }

  SourcePlan take() {
    for (std::size_t i = 0; i < plan_.roots.size(); ++i) {
      const std::string& outer = plan_.roots[i].folder;
      for (const Root& inner : plan_.roots) {
        if (inner.folder == outer || !lies_in(inner.folder, outer)) continue;
        plan_.left_to_other_roots.push_back(
            {static_cast<int>(i), relative_to(inner.folder, outer), false});
      }
    }
    return std::move(plan_);
  }

 private:
  /// The deepest root that holds `folder`: of the plan, of the database, or a new one.
  int root_for(const std::string& folder) {
    std::optional<Root> best;
    const auto consider = [&](const Root& root) {
      if (lies_in(folder, root.folder) && (!best || root.folder.size() > best->folder.size())) {
        best = root;
      }
    };
    for (const Root& root : known_) consider(root);
    for (const Root& root : plan_.roots) consider(root);
    return index_of(best ? *best : Root{root_name_for(folder, names_), folder});
  }

  int index_of(const Root& root) {
    const auto at = std::find(plan_.roots.begin(), plan_.roots.end(), root);
    if (at != plan_.roots.end()) return static_cast<int>(at - plan_.roots.begin());
    names_.insert(root.name);
    plan_.roots.push_back(root);
    return static_cast<int>(plan_.roots.size()) - 1;
  }

  std::span<const Root> known_;
  std::set<std::string> names_;
  SourcePlan plan_;
};

}  // namespace

Expected<SourcePlan> plan_sources(std::span<const std::string> arguments,
                                  std::span<const Root> known,
                                  std::span<const std::string> follow_links) {
  if (arguments.empty()) {
    return fail(Errc::usage, "no photos were named; give a folder or some files");
  }
  std::vector<Named> named;
  for (const std::string& argument : arguments) {
    auto one = look(argument);
    if (!one) return fail(one.error());
    named.push_back(std::move(*one));
  }
  auto stores = link_stores_of(named, follow_links);
  if (!stores) return fail(stores.error());
  named = without_nested(std::move(named));
  // Folders first: a single file then finds the root that its folder has.
  std::stable_partition(named.begin(), named.end(), [](const Named& one) { return !one.is_file; });
  Planner planner(known);
  for (const Named& one : named) planner.add(one);
  SourcePlan plan = planner.take();
  plan.link_stores = std::move(*stores);
  return plan;
}

}  // namespace photoscribe
