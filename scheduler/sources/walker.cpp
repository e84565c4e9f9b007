// The walk over a plan.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "common/sqlite/storage.h"
#include "scheduler/sources/folder_listing.h"
#include "scheduler/sources/photo_filter.h"
#include "scheduler/store/image_extensions.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

using sqlite::text_of;

constexpr std::size_t kWarningsMax = 200;    // a broken archive must not fill memory
constexpr std::size_t kUnknownMax = 10'000;  // folders; beyond them, the start as a whole

}  // namespace

struct Walker::Impl {
  struct Frame {
    std::string path;  // relative to the root
    FolderListing listing;
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
  std::map<std::string, std::int64_t> skipped;
  std::size_t warnings_left_out = 0;
  std::set<std::pair<int, std::string>> unknown;  // root and folder
  std::map<std::string, NotSeen> leading_out;     // by the folder that they lead to
  bool finished = false;

  Impl(SourcePlan sources, WalkOptions chosen)
      : plan(std::move(sources)), options(std::move(chosen)) {}

  [[nodiscard]] const Root& root() const {
    return plan.roots[static_cast<std::size_t>(plan.starts[start].root)];
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
  void not_seen(const std::string& path, const std::string& folder, int error) {
    barren = false;
    keep_unknown(folder);
    ++report.not_seen_count;
    if (report.not_seen.size() < kWarningsMax)
      report.not_seen.push_back({absolute(path), std::strerror(error)});
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
  [[nodiscard]] bool left_to_another_root(const std::string& path) const;
  void follow(const Link& link);
  void end_start();
  void finish();
  [[nodiscard]] bool at_limit() const { return options.limit && report.files >= *options.limit; }
};

Status Walker::Impl::begin_start(std::vector<FoundFile>& found) {
  const SourceStart& from = plan.starts[start];
  started = true;
  barren = true;
  if (from.root != entered_root) {
    entered.clear();
    entered_root = from.root;
  }
  if (!from.is_file) return enter(from.path, true);
  // Named by a person: taken whatever its extension.
  if (options.only_names && !options.only_names->contains(std::string(base_name(from.path)))) {
    ++report.filtered;
  } else {
    take_file(from.path, found);
  }
  return {};
}

Status Walker::Impl::enter(const std::string& path, bool is_start) {
  return enter(path, absolute(path), is_start);
}

Status Walker::Impl::enter(const std::string& path, const std::string& opened_as, bool is_start) {
  FolderListing listing(opened_as);
  if (!listing.ok()) {
    const std::string what = text_of(absolute(path)) + ": " + std::strerror(listing.error());
    if (is_start && listing.error() == ENOENT) {
      warn("folder " + what);  // a start that is gone is known to hold nothing
    } else if (is_start && plan.starts[start].named) {
      return fail(Errc::environment, "look for photos in " + what);
    } else {
      not_seen(path, path, listing.error());
    }
    return {};
  }
  if (!entered.insert(listing.identity()).second) return {};
  ++report.folders;
  stack.emplace_back(path, std::move(listing));
  return {};
}

bool Walker::Impl::may_lead_to(const std::string& target) const {
  const auto holds = [&](const std::string& place) { return lies_in(target, place); };
  return std::any_of(plan.roots.begin(), plan.roots.end(),
                     [&](const Root& one) { return holds(one.folder); }) ||
         std::any_of(plan.link_stores.begin(), plan.link_stores.end(), holds);
}

void Walker::Impl::leads_out(const std::string& path, const std::string& folder,
                             const std::string& store) {
  keep_unknown(folder);
  ++report.not_seen_count;
  if (leading_out.size() >= kWarningsMax && !leading_out.contains(store)) return;
  NotSeen& one = leading_out.try_emplace(store, NotSeen{absolute(path), "", 0}).first->second;
  ++one.count;
}

bool Walker::Impl::left_to_another_root(const std::string& path) const {
  return std::any_of(plan.left_to_other_roots.begin(), plan.left_to_other_roots.end(),
                     [&](const SourceStart& other) {
                       return other.root == plan.starts[start].root && other.path == path;
                     });
}

void Walker::Impl::visit(const FolderListing::Entry& entry, std::vector<FoundFile>& found) {
  if (entry.name.starts_with('.') || entry.name == "@eaDir") return;
  const std::string path = joined(stack.back().path, entry.name);
  unsigned char type = entry.type;
  if (type == DT_UNKNOWN) {
    struct ::stat node {};
    if (::lstat(absolute(path).c_str(), &node) == 0) {
      type = S_ISDIR(node.st_mode) ? DT_DIR : S_ISLNK(node.st_mode) ? DT_LNK : DT_REG;
    }
  }
  if (type == DT_LNK) return visit_link(path, found);
  if (type != DT_DIR) return visit_file(path, false, found);
  if (matches_any(options.exclude, path) || left_to_another_root(path)) {
    barren = false;  // its contents are unknown
    return;
  }
  (void)enter(path, false);  // fails for a start only
}

void Walker::Impl::visit_link(const std::string& path, std::vector<FoundFile>& found) {
  const std::string link = absolute(path);
  struct ::stat node {};
  if (::stat(link.c_str(), &node) != 0) {
    const int error = errno;
    const bool photo = options.all_files || has_image_extension(path);
    if (error == ELOOP && !photo) warn("link loop: " + text_of(link));
    const bool leads_nowhere = error == ENOENT || error == ENOTDIR || error == ELOOP;
    if (photo || leads_nowhere) return visit_file(path, false, found);
    return not_seen(path, path, error);
  }
  if (!S_ISDIR(node.st_mode)) return visit_file(path, true, found);
  barren = false;  // it leads somewhere
  if (matches_any(options.exclude, path)) return;
  if (std::string target = real_path(link); !target.empty())
    links.push_back({path, std::move(target)});
}

void Walker::Impl::follow(const Link& link) {
  const std::string& folder = root().folder;
  const std::string text = text_of(absolute(link.path));
  const std::string inside = folder == "/" ? folder : folder + "/";
  if (link.target == folder || absolute(link.path).starts_with(link.target + "/")) {
    return warn("link loop: " + text + " leads back to " + text_of(link.target));
  }
  if (!link.target.starts_with(inside)) {
    const auto is_root = [&](const Root& one) { return lies_in(link.target, one.folder); };
    if (std::any_of(plan.roots.begin(), plan.roots.end(), is_root)) return;  // walked there
    if (!may_lead_to(link.target)) return leads_out(link.path, link.path, link.target);
    (void)enter(link.path, link.target, false);
    return;
  }
  // By its real path: a photo has one name, whichever way led there, and workers open it without
  // links.
  const std::string real = link.target.substr(inside.size());
  for (const SourceStart& other : plan.left_to_other_roots) {
    if (other.root != plan.starts[start].root) continue;
    if (real == other.path || real.starts_with(other.path + "/")) return;
  }
  (void)enter(real, false);
}

void Walker::Impl::visit_file(const std::string& path, bool is_link,
                              std::vector<FoundFile>& found) {
  if (!options.all_files && !has_image_extension(base_name(path))) {
    count_skipped(skipped, base_name(path));
    return;
  }
  barren = false;
  if (!is_wanted(options, path)) {
    ++report.filtered;
    return;
  }
  if (is_link) {
    const std::string target = real_path(absolute(path));
    if (!target.empty() && !may_lead_to(target))
      return leads_out(path, folder_of(path), folder_of(target));
  }
  take_file(path, found);
}

void Walker::Impl::take_file(const std::string& path, std::vector<FoundFile>& found) {
  struct ::stat node {};
  const std::string name = absolute(path);
  // The target's size and time, so that a change is noticed; a dangling link's own.
  if (::stat(name.c_str(), &node) != 0 && ::lstat(name.c_str(), &node) != 0) {
    // Else it is gone since the folder was read.
    if (errno != ENOENT && errno != ENOTDIR) not_seen(path, folder_of(path), errno);
    return;
  }
  FoundFile file;
  file.root = plan.starts[start].root;
  file.path = path;
  file.size_bytes = node.st_size;
  file.mtime_ns = node.st_mtim.tv_sec * 1'000'000'000 + node.st_mtim.tv_nsec;
  file.inode = static_cast<std::int64_t>(node.st_ino);
  found.push_back(std::move(file));
  ++report.files;
}

void Walker::Impl::end_start() {
  const SourceStart& from = plan.starts[start];
  if (barren && !from.is_file) {
    report.barren.push_back(from);
  } else {
    report.walked.push_back({from.root, from.path, options.all_files || from.is_file});
  }
  started = false;
  ++start;
}

void Walker::Impl::finish() {
  if (finished) return;
  finished = true;
  const bool filtering =
      !options.include.empty() || !options.exclude.empty() || options.only_names != nullptr;
  if (filtering || report.reached_limit) report.walked.clear();
  for (auto& [store, one] : leading_out) {
    const std::string place = text_of(store);
    one.why = (one.count == 1 ? "a link" : std::to_string(one.count) + " links") + " that lead" +
              (one.count == 1 ? "s" : "") + " to " + place +
              ", outside the named folders; to read what is there: --follow-links " + place;
    report.not_seen.push_back(std::move(one));
  }
  for (const auto& [root, folder] : unknown) report.unknown.push_back({root, folder});
  report.skipped = most_frequent(skipped);
  if (warnings_left_out > 0) {
    report.warnings.push_back("… and " + std::to_string(warnings_left_out) + " more of these");
  }
}

Walker::Walker(SourcePlan plan, WalkOptions options)
    : impl_(std::make_unique<Impl>(std::move(plan), std::move(options))) {}
Walker::Walker(Walker&&) noexcept = default;
Walker& Walker::operator=(Walker&&) noexcept = default;
Walker::~Walker() = default;

Expected<std::vector<FoundFile>> Walker::next(std::size_t count) {
  Impl& impl = *impl_;
  std::vector<FoundFile> found;
  while (found.size() < count && impl.start < impl.plan.starts.size() && !impl.finished) {
    if (impl.at_limit()) {
      impl.report.reached_limit = true;
      break;
    }
    if (!impl.started) {
      if (Status begun = impl.begin_start(found); !begun) return fail(begun.error());
      continue;
    }
    if (impl.stack.empty()) {
      if (impl.links.empty()) {
        impl.end_start();
      } else {
        const Impl::Link link = std::move(impl.links.front());
        impl.links.erase(impl.links.begin());
        impl.follow(link);
      }
      continue;
    }
    FolderListing::Entry entry{};
    if (impl.stack.back().listing.next(entry)) {
      impl.visit(entry, found);
      continue;
    }
    if (const int error = impl.stack.back().listing.error(); error != 0) {
      impl.not_seen(impl.stack.back().path, impl.stack.back().path, error);
    }
    impl.stack.pop_back();
  }
  if (found.empty()) impl.finish();
  return found;
}

const WalkReport& Walker::report() const { return impl_->report; }

}  // namespace photoscribe
