#include "scheduler/sources/list_walker.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "common/remote/photo_url.h"
#include "common/sqlite/storage.h"
#include "scheduler/sources/list_reader.h"
#include "scheduler/sources/listed_members.h"
#include "scheduler/sources/listed_paths.h"
#include "scheduler/sources/root_name.h"
#include "scheduler/sources/walk_filter.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

using sqlite::text_of;

constexpr std::size_t kServersMax = 5'000;  // each is a word of every worker's command line
constexpr std::size_t kNamedMax = 100;      // lines that are wrong, places that links lead to

std::string at_line(const ListFile& file, std::int64_t line) {
  return text_of(file.name()) + ", line " + std::to_string(line);
}

Expected<ListOptions> with_real_root(const ListOptions& options) {
  ListOptions real = options;
  if (options.root.empty()) return real;
  real.root = real_path(options.root);
  struct ::stat node {};
  const bool folder = !real.root.empty() && ::stat(real.root.c_str(), &node) == 0;
  if (!folder)
    return fail(Errc::usage, "--root " + text_of(options.root) + ": " + std::strerror(errno));
  if (!S_ISDIR(node.st_mode))
    return fail(Errc::usage, "--root " + text_of(options.root) + " is no folder");
  return real;
}

/// Every root there is or may be: of the database, of the plan, and the folder of relative paths.
std::vector<Root> candidates(std::span<const Root> known, const SourcePlan& plan,
                             const std::string& below) {
  std::vector<Root> all(known.begin(), known.end());
  for (const Root& root : plan.roots) {
    if (std::find(all.begin(), all.end(), root) == all.end()) all.push_back(root);
  }
  const auto holds = [&](const Root& root) { return lies_in(below, root.folder); };
  if (!below.empty() && std::none_of(all.begin(), all.end(), holds)) all.push_back({"", below});
  return all;
}

/// archive_in() of what is no file.
std::size_t archive_of(const std::string& whole) {
  struct ::stat node {};
  const bool may_be = whole.find('!') != std::string::npos && !is_remote(whole);
  return may_be && ::lstat(whole.c_str(), &node) != 0 ? archive_in(whole) : 0;
}

struct Survey {
  std::set<int> used;  // of the candidates
  NewRoots needed{mount_points()};
  std::int64_t photos = 0;
};

Status survey(const ListFile& file, const ListOptions& options, ListedPaths& paths, Survey& found,
              const GoesOn& goes_on) {
  constexpr std::int64_t kAskedEvery = 100'000;
  Expected<ListReader> reader = ListReader::open(file, options);
  if (!reader) return fail(reader.error());
  for (ListEntry entry;;) {
    const Expected<bool> more = reader->next(entry);
    if (!more) return fail(more.error());
    if (!*more) return {};
    if (entry.path.empty()) continue;
    const Expected<std::string> whole = paths.whole(entry.path);
    if (!whole && is_remote(entry.path)) continue;  // one of many: named by the walk
    if (!whole)
      return fail(whole.error().code, at_line(file, entry.line) + ": " + whole.error().message);
    if (++found.photos % kAskedEvery == 0 && goes_on && !goes_on(found.photos))
      return fail(Errc::cancelled, text_of(file.name()) + ": stopped while the list was read");
    const int root = paths.place(*whole).root;
    if (root >= 0) {
      found.used.insert(root);
      continue;
    }
    const std::size_t archive_size = archive_of(*whole);
    found.needed.add(archive_size > 0 ? whole->substr(0, archive_size) : *whole);
    if (found.needed.servers() > kServersMax) {
      return fail(Errc::usage, text_of(file.name()) + ": more than " + std::to_string(kServersMax) +
                                   " different servers; split the list, one run each");
    }
  }
}

void add_roots(const std::vector<Root>& all, const Survey& found, SourcePlan& plan) {
  std::set<std::string> names;
  for (const Root& root : all) names.insert(root.name);
  const auto add = [&](Root root) {
    if (root.name.empty()) names.insert(root.name = root_name_for(root.folder, names));
    if (std::find(plan.roots.begin(), plan.roots.end(), root) == plan.roots.end())
      plan.roots.push_back(std::move(root));
  };
  for (const int used : found.used) add(all[static_cast<std::size_t>(used)]);
  for (const std::string& folder : found.needed.folders()) add({"", folder});
}

}  // namespace

Expected<ListSources> plan_lists(std::span<const std::string> lists, const ListOptions& options,
                                 const std::string& scratch_folder, std::span<const Root> known,
                                 SourcePlan& plan, const GoesOn& goes_on) {
  Expected<ListOptions> real = with_real_root(options);
  if (!real) return fail(real.error());
  ListSources sources{{}, std::move(*real)};
  ListedPaths paths(candidates(known, plan, sources.options.root), sources.options.root);
  Survey found;
  for (const std::string& list : lists) {
    Expected<ListFile> file = ListFile::open(list, scratch_folder);
    if (!file) return fail(file.error());
    if (Status read = survey(*file, sources.options, paths, found, goes_on); !read)
      return fail(read.error());
    sources.files.push_back(std::move(*file));
  }
  if (found.photos == 0)
    return fail(Errc::usage, text_of(sources.files.front().name()) + ": the list names no photo");
  add_roots(paths.roots(), found, plan);
  return sources;
}

struct ListWalker::Impl {
  ListSources lists;
  WalkOptions options;
  ListedPaths paths;
  std::vector<Root> roots;
  std::vector<std::string> link_stores;
  ListReport report;

  std::size_t list = 0;
  std::optional<ListReader> reader;
  std::int64_t unkept = 0;
  std::string first_unkept;
  std::map<std::string, std::int64_t> leading_out;             // by folder
  std::vector<std::pair<std::int64_t, std::int64_t>> of_root;  // named, and there
  ListedMembers members;                                       // not looked for yet
  bool finished = false;

  Impl(ListSources sources, const SourcePlan& plan, WalkOptions chosen)
      : lists(std::move(sources)),
        options(std::move(chosen)),
        paths(plan.roots, lists.options.root),
        roots(plan.roots),
        link_stores(plan.link_stores),
        of_root(plan.roots.size()) {}

  Status take(ListEntry& entry, std::vector<FoundFile>& found);
  void look(const std::string& whole, FoundFile& file);
  void left_out(const ListEntry& entry);
  void hand_out(FoundFile file, std::vector<FoundFile>& found);
  void look_for_members(std::vector<FoundFile>& found);
  void finish();
};

void ListWalker::Impl::left_out(const ListEntry& entry) {
  ++report.not_seen_count;
  if (report.not_seen.size() < kNamedMax)
    report.not_seen.push_back({at_line(lists.files[list], entry.line), entry.fault});
}

/// Size and time of what a link leads to, so that a change is noticed.
void ListWalker::Impl::look(const std::string& whole, FoundFile& file) {
  struct ::stat node {};
  file.exists = ::lstat(whole.c_str(), &node) == 0;
  if (file.exists && S_ISLNK(node.st_mode)) {
    (void)::stat(whole.c_str(), &node);  // a dangling one has its own
    const std::string target = real_path(whole);
    const auto holds = [&](const std::string& place) { return lies_in(target, place); };
    const bool inside =
        target.empty() || std::any_of(link_stores.begin(), link_stores.end(), holds) ||
        std::any_of(roots.begin(), roots.end(), [&](const Root& one) { return holds(one.folder); });
    if (!inside && (leading_out.size() < kNamedMax || leading_out.contains(folder_of(target))))
      ++leading_out[folder_of(target)];
  }
  if (!file.exists) return;
  file.size_bytes = node.st_size;
  file.mtime_ns = node.st_mtim.tv_sec * 1'000'000'000 + node.st_mtim.tv_nsec;
  file.inode = static_cast<std::int64_t>(node.st_ino);
}

Status ListWalker::Impl::take(ListEntry& entry, std::vector<FoundFile>& found) {
  if (entry.path.empty()) {
    left_out(entry);
    return {};
  }
  if (!entry.fault.empty() && ++unkept == 1)
    first_unkept = at_line(lists.files[list], entry.line) + ": " + entry.fault;
  const Expected<std::string> whole = paths.whole(entry.path);
  if (!whole && is_remote(entry.path)) {
    entry.fault = whole.error().message;
    left_out(entry);
    return {};
  }
  ListedPaths::Place place;
  if (whole) place = paths.place(*whole);
  if (place.root < 0)
    return fail(Errc::environment, text_of(lists.files[list].name()) +
                                       ": it was changed while it was read; run it again");
  const bool is_url = is_remote(*whole);
  if (!wants_path(options, is_url ? place.path.substr(0, place.path.find('?')) : place.path)) {
    ++report.filtered;
    return {};
  }
  FoundFile file;
  file.root = place.root;
  file.path = std::move(place.path);
  file.kept = std::move(entry.kept);
  // Nobody asks a server here: unchanged from one scan to the next.
  if (!is_url) look(*whole, file);
  const std::size_t archive_size = file.exists || is_url ? 0 : archive_in(*whole);
  if (archive_size > 0) {
    members.add(*whole, archive_size, std::move(file));
    if (members.is_full()) look_for_members(found);
    return {};
  }
  hand_out(std::move(file), found);
  return {};
}

void ListWalker::Impl::look_for_members(std::vector<FoundFile>& found) {
  ListedMembers::Resolved resolved = members.resolve();
  for (FoundFile& file : resolved.files) hand_out(std::move(file), found);
  for (NotSeen& one : resolved.not_seen) {
    ++report.not_seen_count;
    if (report.not_seen.size() < kNamedMax) report.not_seen.push_back(std::move(one));
  }
}

void ListWalker::Impl::hand_out(FoundFile file, std::vector<FoundFile>& found) {
  auto& [named, there] = of_root[static_cast<std::size_t>(file.root)];
  ++named;
  there += file.exists ? 1 : 0;
  report.absent += file.exists ? 0 : 1;
  ++report.files;
  found.push_back(std::move(file));
}

void ListWalker::Impl::finish() {
  if (finished) return;
  finished = true;
  if (unkept > 0) {
    report.notes.push_back("columns of " + std::to_string(unkept) + " lines were not kept (" +
                           first_unkept + ")");
  }
  for (const auto& [place, links] : leading_out) {
    const std::string text = text_of(place);
    report.notes.push_back(std::to_string(links) + " listed photos are links that lead to " + text +
                           ", outside the roots; to read what is there: --follow-links " + text);
  }
  for (std::size_t i = 0; i < of_root.size(); ++i) {
    const auto& [named, there] = of_root[i];
    if (named > 1 && there == 0)
      report.notes.push_back("none of the " + std::to_string(named) + " listed photos below " +
                             text_of(roots[i].folder) + " is there: is it mounted?");
  }
}

ListWalker::ListWalker(ListSources lists, const SourcePlan& plan, WalkOptions options)
    : impl_(std::make_unique<Impl>(std::move(lists), plan, std::move(options))) {}
ListWalker::ListWalker(ListWalker&&) noexcept = default;
ListWalker& ListWalker::operator=(ListWalker&&) noexcept = default;
ListWalker::~ListWalker() = default;

Expected<std::vector<FoundFile>> ListWalker::next(std::size_t count) {
  Impl& impl = *impl_;
  std::vector<FoundFile> found;
  ListEntry entry;
  while (found.size() < count && impl.list < impl.lists.files.size()) {
    if (impl.options.limit && impl.report.files >= *impl.options.limit) {
      impl.report.reached_limit = true;
      break;
    }
    if (!impl.reader) {
      Expected<ListReader> reader =
          ListReader::open(impl.lists.files[impl.list], impl.lists.options);
      if (!reader) return fail(reader.error());
      impl.reader.emplace(std::move(*reader));
    }
    const Expected<bool> more = impl.reader->next(entry);
    if (!more) return fail(more.error());
    if (!*more) {
      impl.reader.reset();
      ++impl.list;
    } else if (Status taken = impl.take(entry, found); !taken) {
      return fail(taken.error());
    }
  }
  if (found.empty() && !impl.members.empty()) impl.look_for_members(found);
  if (found.empty()) impl.finish();
  return found;
}

const ListReport& ListWalker::report() const { return impl_->report; }

}  // namespace photoscribe
