// The walk over a plan.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/archive/archive_kind.h"
#include "scheduler/sources/small_file.h"
#include "scheduler/sources/walker_impl.h"
#include "scheduler/store/image_extensions.h"

namespace photoscribe {
namespace {

/// Small files of a root, links left alone.
sidecars::ExportFiles export_files(const std::string& root) {
  sidecars::ExportFiles files;
  files.names = [root](const std::string& folder) {
    FolderListing listing(folder.empty() ? root : joined(root, folder));
    std::vector<std::string> names;
    for (FolderListing::Entry entry{}; listing.ok() && listing.next(entry);)
      names.emplace_back(entry.name);
    return names;
  };
  files.read = [root](const std::string& path, std::size_t bytes_max) {
    return read_small_file(joined(root, path), bytes_max);
  };
  return files;
}

}  // namespace

Status Walker::Impl::begin_start(std::vector<FoundFile>& found) {
  const SourceStart& from = plan.starts[start];
  started = true;
  barren = true;
  if (from.root != entered_root) {
    entered.clear();
    entered_root = from.root;
  }
  if (options.sidecars && !from.is_file) exports.emplace(export_files(root().folder));
  if (!from.is_file) return enter(from.path, true);
  // Named by a person: taken whatever its extension.
  if (from.is_archive) {
    meet_archive(from.path, found);
  } else if (options.only_names &&
             !options.only_names->contains(std::string(base_name(from.path)))) {
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
  if (exports) exports->enter(path, listing.names());
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
  if (matches_any(options.exclude, path, base_name(path)) || left_to_another_root(path)) {
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
  if (matches_any(options.exclude, path, base_name(path))) return;
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
  const std::string_view name = base_name(path);
  if (!has_image_extension(name) && has_archive_extension(name)) {
    barren = false;
    if (options.archives) return visit_archive(path, is_link, found);
  }
  if (!options.all_files && !has_image_extension(name)) return skipped.add(name);
  barren = false;
  if (!is_wanted(options, path, name)) {
    ++report.filtered;
    return;
  }
  if (is_link && link_leads_out(path)) return;
  take_file(path, found);
}

/// A link to a file, and not to be followed.
bool Walker::Impl::link_leads_out(const std::string& path) {
  const std::string target = real_path(absolute(path));
  if (target.empty() || may_lead_to(target)) return false;
  leads_out(path, folder_of(path), folder_of(target));
  return true;
}

std::optional<FoundFile> Walker::Impl::look_at(const std::string& path) {
  struct ::stat node {};
  const std::string name = absolute(path);
  // The target's size and time, so that a change is noticed; a dangling link's own.
  if (::stat(name.c_str(), &node) != 0 && ::lstat(name.c_str(), &node) != 0) {
    // Else it is gone since the folder was read.
    if (errno != ENOENT && errno != ENOTDIR) not_seen(path, folder_of(path), errno);
    return std::nullopt;
  }
  FoundFile file;
  file.root = plan.starts[start].root;
  file.path = path;
  file.size_bytes = node.st_size;
  file.mtime_ns = node.st_mtim.tv_sec * 1'000'000'000 + node.st_mtim.tv_nsec;
  file.inode = static_cast<std::int64_t>(node.st_ino);
  return file;
}

void Walker::Impl::take_file(const std::string& path, std::vector<FoundFile>& found) {
  std::optional<FoundFile> file = look_at(path);
  if (!file) return;
  if (exports) file->kept = exports->of(path);
  found.push_back(std::move(*file));
  ++report.files;
}

void Walker::Impl::end_start() {
  const SourceStart& from = plan.starts[start];
  if (barren && !from.is_file) {
    report.barren.push_back(from);
  } else {
    const bool every_name = options.all_files || (from.is_file && !from.is_archive);
    report.walked.push_back({from.root, from.path, every_name, options.archives});
  }
  if (exports) {
    for (const auto& [name, photos] : exports->described()) report.described[name] += photos;
    exports.reset();
  }
  started = false;
  ++start;
}

void Walker::Impl::finish() {
  if (finished) return;
  finished = true;
  if (filters(options) || report.reached_limit) report.walked.clear();
  for (auto& [store, one] : leading_out) {
    const std::string place = text_of(store);
    one.why = (one.count == 1 ? "a link" : std::to_string(one.count) + " links") + " that lead" +
              (one.count == 1 ? "s" : "") + " to " + place +
              ", outside the named folders; to read what is there: --follow-links " + place;
    report.not_seen.push_back(std::move(one));
  }
  for (const auto& [root, folder] : unknown) report.unknown.push_back({root, folder});
  report.skipped = skipped.by_extension();
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
  while (found.size() < count && !impl.finished) {
    if (!impl.ready.empty()) {
      found.push_back(std::move(impl.ready.front()));
      impl.ready.pop_front();
      continue;
    }
    if (impl.start >= impl.plan.starts.size() || !impl.may_go_on()) break;
    if (impl.at_limit()) {
      impl.close_at_limit();
      if (!impl.ready.empty()) continue;
      impl.report.reached_limit = true;
      break;
    }
    if (impl.archive) {
      impl.walk_archive(found, count);
      if (impl.archive && !found.empty() && !impl.at_limit()) break;  // full, or it takes long
      continue;
    }
    if (!impl.started) {
      if (Status begun = impl.begin_start(found); !begun) return fail(begun.error());
      continue;
    }
    if (impl.stack.empty()) {
      if (impl.links.empty()) {
        if (!impl.close_named()) impl.end_start();
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
    if (impl.close(impl.stack.back().archives)) continue;
    if (const int error = impl.stack.back().listing.error(); error != 0) {
      impl.not_seen(impl.stack.back().path, impl.stack.back().path, error);
    }
    if (impl.exports) impl.exports->leave(impl.stack.back().path);
    impl.stack.pop_back();
  }
  if (found.empty()) impl.finish();
  return found;
}

const WalkReport& Walker::report() const { return impl_->report; }

}  // namespace photoscribe
