#include "scheduler/sources/listed_members.h"

#include <sys/stat.h>

#include <optional>

#include "common/archive/member_numbers.h"
#include "scheduler/sources/archive_listing.h"

namespace photoscribe {
namespace {

/// Size, time and inode are the archive's, but for the member's own size.
void place_in(const struct ::stat& archive, const ListedMember& member, FoundFile& file) {
  file.exists = true;
  file.size_bytes = member.size_bytes;
  file.mtime_ns = archive.st_mtim.tv_sec * 1'000'000'000 + archive.st_mtim.tv_nsec;
  file.inode = static_cast<std::int64_t>(archive.st_ino);
  file.member->offset = member.offset;
}

}  // namespace

std::size_t archive_in(const std::string& whole) {
  for (auto mark = whole.find('!'); mark != std::string::npos; mark = whole.find('!', mark + 1)) {
    struct ::stat node {};
    if (::stat(whole.substr(0, mark).c_str(), &node) == 0 && S_ISREG(node.st_mode)) return mark;
  }
  return 0;
}

void ListedMembers::add(const std::string& whole, std::size_t archive_size, FoundFile file) {
  // In the row it begins where the root's folder ends.
  const std::size_t in_row = file.path.size() - (whole.size() - archive_size);
  file.member = ArchiveMember{0, static_cast<std::int32_t>(in_row)};
  archives_[whole.substr(0, archive_size)].emplace(whole.substr(archive_size + 1), std::move(file));
  ++waiting_;
}

void ListedMembers::resolve(const std::string& archive, Members& wanted, Resolved& found) {
  std::optional<std::string> unread;
  struct ::stat node {};
  auto listing = ArchiveListing::open(archive);
  if (!listing && listing.error().reason != Reason::unsupported) unread = listing.error().what;
  if (listing && ::stat(archive.c_str(), &node) == 0) {
    MemberNumbers numbers;
    while (!wanted.empty()) {
      const auto member = listing->next();
      if (!member) unread = member.error().what;
      if (!member || !*member) break;
      if ((*member)->is_folder) continue;
      const auto [from, to] = wanted.equal_range(numbers.name_of((*member)->name));
      for (auto one = from; one != to; ++one) {
        place_in(node, **member, one->second);
        found.files.push_back(std::move(one->second));
      }
      wanted.erase(from, to);
    }
    if (listing->has_changed()) unread = "it was changed meanwhile; run it again";
  }
  for (auto& [name, file] : wanted) {
    if (unread) {
      found.not_seen.push_back({archive + "!" + name, *unread});
      continue;
    }
    file.member.reset();  // a worker says that it is missing
    found.files.push_back(std::move(file));
  }
}

ListedMembers::Resolved ListedMembers::resolve() {
  Resolved found;
  for (auto& [archive, wanted] : archives_) resolve(archive, wanted, found);
  archives_.clear();
  waiting_ = 0;
  return found;
}

}  // namespace photoscribe
