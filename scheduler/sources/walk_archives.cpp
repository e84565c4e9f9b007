// Archives that a walk meets.
#include <sys/stat.h>

#include <chrono>

#include "scheduler/sources/walker_impl.h"

namespace photoscribe {
namespace {

constexpr auto kArchivePatience = std::chrono::milliseconds(500);  // until what was found is shown

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
  const auto before = known.find({root().name, path});
  if (before != known.end() && !options.limit) {
    const FoundFile& was = *before->second;
    if (was.size_bytes == file->size_bytes && was.mtime_ns == file->mtime_ns &&
        was.inode == file->inode && was.archive->options == member_options(options)) {
      file->archive = was.archive;
      if (!was.archive->damage.empty()) not_seen(path, path, was.archive->damage);
      report.files += was.archive->photos;
      found.push_back(std::move(*file));
      return;
    }
  }
  auto listing = ArchiveListing::open(absolute(path));
  if (!listing) return not_seen(path, path, listing.error().what);
  archive.emplace(std::move(*file), std::move(*listing), options, files_beside(path));
}

/// Real files may have the path of a member: `photos.tar!2019/a.jpg` in a folder `photos.tar!2019`.
ArchiveWalk::IsFile Walker::Impl::files_beside(const std::string& path) {
  const std::string folder = absolute(folder_of(path));
  if (folder != folder_of_marks) {
    folder_of_marks = folder;
    has_marks = false;
    FolderListing listing(folder);
    FolderListing::Entry entry{};
    while (!has_marks && listing.ok() && listing.next(entry))
      has_marks = entry.name.find('!') != std::string_view::npos;
  }
  if (!has_marks) return {};
  return [inside = root().folder](const std::string& member) {
    struct ::stat node {};
    return ::lstat(joined(inside, member).c_str(), &node) == 0;
  };
}

void Walker::Impl::walk_archive(std::vector<FoundFile>& found, std::size_t count) {
  const auto until = std::chrono::steady_clock::now() + kArchivePatience;
  while (found.size() < count && !at_limit()) {
    if (!found.empty() && std::chrono::steady_clock::now() >= until) return;
    const auto step = archive->step(found, skipped);
    if (!step) return end_archive(&step.error(), found);
    if (*step == ArchiveWalk::Step::end) return end_archive(nullptr, found);
    if (*step == ArchiveWalk::Step::photo) ++report.files;
  }
}

void Walker::Impl::end_archive(const ArchiveFailure* failure, std::vector<FoundFile>& found) {
  FoundFile file = archive->archive();
  file.archive = WalkedArchive{member_options(options), archive->photos(), "", false};
  report.filtered += archive->filtered();
  if (archive->nested() > 0) {
    warn(text_of(absolute(file.path)) +
         ": archives in it are not looked into: " + text_of(archive->first_nested()) +
         (archive->nested() > 1 ? " and " + std::to_string(archive->nested() - 1) + " more" : ""));
  }
  const bool changed = archive->has_changed();
  archive.reset();
  if (changed) return not_seen(file.path, file.path, "it was changed meanwhile; run it again");
  if (failure != nullptr) {
    not_seen(file.path, file.path,
             failure->what + "; known of it: " + std::to_string(file.archive->photos) + " photos");
    if (failure->error != 0) return;  // the next scan may read more
    file.archive->damage = report.not_seen.empty() ? failure->what : report.not_seen.back().why;
  }
  found.push_back(std::move(file));
}

}  // namespace photoscribe
