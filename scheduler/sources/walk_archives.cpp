// Archives that a walk meets.
#include <sys/stat.h>

#include <chrono>

#include "scheduler/sources/walker_impl.h"

namespace photoscribe {
namespace {

constexpr auto kArchivePatience = std::chrono::milliseconds(500);  // until what was found is shown
constexpr std::size_t kHeldMax = 100'000;  // photos of a set in which nothing is said of any: 30 MB
constexpr char kTold = '+';  // behind the options of an archive whose set is part of an export

}  // namespace

/// An archive in a folder.
void Walker::Impl::visit_archive(const std::string& path, bool is_link,
                                 std::vector<FoundFile>& found) {
  const bool named = std::any_of(plan.starts.begin(), plan.starts.end(), [&](const auto& other) {
    return other.is_archive && other.root == plan.starts[start].root && other.path == path;
  });
  if (named || matches_any(options.exclude, path, base_name(path))) return;
  if (is_link && link_leads_out(path)) return;
  meet_archive(path, found);
}

void Walker::Impl::meet_archive(const std::string& path, std::vector<FoundFile>& found) {
  std::optional<FoundFile> file = look_at(path);
  if (!file) return;
  const FoundFile* const was = unchanged(*file);
  if (was == nullptr) {
    barren = false;
    if (options.is_settled && !options.is_settled(absolute(path), *file)) return keep_unknown(path);
    return begin_archive(std::move(*file));
  }
  file->archive = was->archive;
  if (!options.sidecars) return hand_known(std::move(*file), found);
  ArchiveSet& set = set_of_archives();
  set.told = set.told || was->archive->options.ends_with(kTold);
  set.known.push_back(std::move(*file));
}

/// The same archive at the last scan, under the same options.
const FoundFile* Walker::Impl::unchanged(const FoundFile& archive_file) const {
  const Root& of = plan.roots[static_cast<std::size_t>(archive_file.root)];
  const auto before = known.find({of.name, archive_file.path});
  if (before == known.end() || options.limit) return nullptr;
  const FoundFile& was = *before->second;
  std::string_view chosen = was.archive->options;
  if (chosen.ends_with(kTold)) chosen.remove_suffix(1);
  const bool same = was.size_bytes == archive_file.size_bytes &&
                    was.mtime_ns == archive_file.mtime_ns && was.inode == archive_file.inode &&
                    chosen == member_options(options);
  return same ? &was : nullptr;
}

void Walker::Impl::hand_known(FoundFile file, std::vector<FoundFile>& found) {
  if (!file.archive->damage.empty()) not_seen(file, file.archive->damage);
  report.files += file.archive->photos;
  found.push_back(std::move(file));
}

void Walker::Impl::begin_archive(FoundFile file) {
  auto listing = ArchiveListing::open(place_of(file));
  if (!listing) return not_seen(file, listing.error().what);
  ArchiveExports* exports_of = nullptr;
  if (options.sidecars) {
    ArchiveSet& set = set_of_archives();
    set.listed = true;
    if (set.holds) {
      exports_of = &set.exports;
      exports_of->begin(place_of(file));
    }
  }
  ArchiveWalk::IsFile is_file = files_beside(file);
  archive.emplace(std::move(file), std::move(*listing), options, std::move(is_file), exports_of);
}

void Walker::Impl::not_seen(const FoundFile& archive_file, std::string why) {
  barren = false;
  unknown.emplace(archive_file.root, archive_file.path);
  ++report.not_seen_count;
  if (report.not_seen.size() < kWarningsMax)
    report.not_seen.push_back({place_of(archive_file), std::move(why)});
}

/// Real files may have the path of a member: `photos.tar!2019/a.jpg` in a folder `photos.tar!2019`.
ArchiveWalk::IsFile Walker::Impl::files_beside(const FoundFile& archive_file) {
  const std::string folder = folder_of(place_of(archive_file));
  if (folder != folder_of_marks) {
    folder_of_marks = folder;
    has_marks = false;
    FolderListing listing(folder);
    FolderListing::Entry entry{};
    while (!has_marks && listing.ok() && listing.next(entry))
      has_marks = entry.name.find('!') != std::string_view::npos;
  }
  if (!has_marks) return {};
  const Root& of = plan.roots[static_cast<std::size_t>(archive_file.root)];
  return [inside = of.folder](const std::string& member) {
    struct ::stat node {};
    return ::lstat(joined(inside, member).c_str(), &node) == 0;
  };
}

void Walker::Impl::walk_archive(std::vector<FoundFile>& found, std::size_t count) {
  ArchiveSet* const set = options.sidecars ? &set_of_archives() : nullptr;
  const auto until = std::chrono::steady_clock::now() + kArchivePatience;
  while (found.size() < count && !at_limit()) {
    if (!found.empty() && std::chrono::steady_clock::now() >= until) return;
    if (!may_go_on()) return;
    std::vector<FoundFile>& into = set != nullptr && set->holds ? set->held : found;
    const auto step = archive->step(into, skipped);
    if (!step) return end_archive(&step.error(), into);
    if (*step == ArchiveWalk::Step::end) return end_archive(nullptr, into);
    if (*step == ArchiveWalk::Step::photo) ++report.files;
    if (set != nullptr && set->held.size() > kHeldMax && !set->exports.tells()) {
      set->holds = false;
      return let_go(*set);
    }
  }
}

/// That of the folder that is walked, or of the archives that were named.
ArchiveSet& Walker::Impl::set_of_archives() {
  std::unique_ptr<ArchiveSet>& set =
      plan.starts[start].is_archive ? named_archives : stack.back().archives;
  if (!set) set = std::make_unique<ArchiveSet>();
  return *set;
}

void Walker::Impl::let_go(ArchiveSet& set) {
  for (FoundFile& file : set.held) ready.push_back(std::move(file));
  set.held.clear();
}

/// All of its archives were met. True: one that is known must be listed first, since a new one may
/// say something of its photos, or it of theirs.
bool Walker::Impl::close(std::unique_ptr<ArchiveSet>& set) {
  if (!set) return false;
  const bool speaks = set->holds && set->listed && (set->told || set->exports.tells());
  if (speaks && !set->known.empty()) {
    FoundFile next = std::move(set->known.front());
    set->known.pop_front();
    next.archive.reset();
    begin_archive(std::move(next));
    return true;
  }
  for (FoundFile& file : set->known) hand_known(std::move(file), set->held);
  if (set->exports.tells()) describe(*set);
  let_go(*set);
  set.reset();
  return false;
}

bool Walker::Impl::close_named() {
  const bool more = std::any_of(plan.starts.begin() + static_cast<std::ptrdiff_t>(start) + 1,
                                plan.starts.end(), [](const auto& one) { return one.is_archive; });
  return plan.starts[start].is_archive && !more && close(named_archives);
}

void Walker::Impl::close_at_limit() {
  archive.reset();
  for (Frame& frame : stack) (void)close(frame.archives);  // with a limit none is known
  (void)close(named_archives);
}

void Walker::Impl::describe(ArchiveSet& set) {
  for (FoundFile& file : set.held) {
    if (file.archive) {
      if (!file.archive->again) file.archive->options += kTold;
      continue;
    }
    const auto archive_bytes = static_cast<std::size_t>(file.member->archive_size);
    const std::string& root = plan.roots[static_cast<std::size_t>(file.root)].folder;
    const std::string archive_file = joined(root, file.path.substr(0, archive_bytes));
    const std::string member = file.path.substr(archive_bytes + 1);
    KeptValues kept = set.exports.of(archive_file, member);
    if (const std::string_view plain = without_number(member); kept.empty() && plain != member)
      kept = set.exports.of(archive_file, std::string(plain));
    if (kept.empty()) continue;
    // The export's own file, where it looked like a WebDataset's.
    std::erase_if(file.kept, [](const auto& one) { return one.first == "json"; });
    file.kept.insert(file.kept.end(), kept.begin(), kept.end());
  }
  for (const auto& [name, photos] : set.exports.described()) report.described[name] += photos;
  if (set.exports.left_out() > 0) {
    warn(std::to_string(set.exports.left_out()) +
         " files that say something of photos in compressed tars were left out, since they are too "
         "large together; unpack the archives, or pack them as zips");
  }
}

void Walker::Impl::end_archive(const ArchiveFailure* failure, std::vector<FoundFile>& found) {
  FoundFile file = archive->archive();
  file.archive = WalkedArchive{member_options(options), archive->photos(), "", false};
  report.filtered += archive->filtered();
  if (archive->nested() > 0) {
    warn(text_of(place_of(file)) +
         ": archives in it are not looked into: " + text_of(archive->first_nested()) +
         (archive->nested() > 1 ? " and " + std::to_string(archive->nested() - 1) + " more" : ""));
  }
  const bool changed = archive->has_changed();
  archive.reset();
  if (changed) return not_seen(file, "it was changed meanwhile; run it again");
  if (failure != nullptr) {
    not_seen(file,
             failure->what + "; known of it: " + std::to_string(file.archive->photos) + " photos");
    if (failure->error != 0) return;  // the next scan may read more
    file.archive->damage = report.not_seen.empty() ? failure->what : report.not_seen.back().why;
  }
  found.push_back(std::move(file));
}

}  // namespace photoscribe
