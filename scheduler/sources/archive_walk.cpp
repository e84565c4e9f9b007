#include "scheduler/sources/archive_walk.h"

#include <functional>
#include <utility>

#include "common/archive/archive_kind.h"
#include "common/archive/member_name.h"
#include "scheduler/store/image_extensions.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kMembersMax = 20'000'000;

}  // namespace

ArchiveWalk::ArchiveWalk(FoundFile archive, ArchiveListing listing, const WalkOptions& options,
                         IsFile is_file)
    : archive_(std::move(archive)),
      listing_(std::move(listing)),
      options_(options),
      is_file_(std::move(is_file)) {}

/// The row's path: with a number behind it when another member, or a real file, has that name. A
/// hash that two names share costs one of them a number, no more.
std::string ArchiveWalk::unique_path(const std::string& name) {
  const std::string path = archive_.path + "!" + name;
  std::string tried = path;
  for (int number = 2;
       (is_file_ && is_file_(tried)) || !names_.insert(std::hash<std::string>()(tried)).second;
       ++number) {
    tried = path + "#" + std::to_string(number);
  }
  return tried;
}

FromArchive<ArchiveWalk::Step> ArchiveWalk::step(std::vector<FoundFile>& found,
                                                 SkippedNames& skipped) {
  auto member = listing_.next();
  if (!member) return tl::unexpected(member.error());
  if (!*member) return Step::end;
  if (++members_ > kMembersMax)
    return archive_refused(Reason::too_large,
                           "it has more than " + std::to_string(kMembersMax) + " members");
  const std::string& name = (*member)->name;
  if ((*member)->is_folder || is_hidden_name(name)) return Step::other;
  const std::string_view file_name = base_name(name);
  if (!options_.all_files && !has_image_extension(file_name)) {
    if (has_archive_extension(file_name) && nested_++ == 0) first_nested_ = name;
    skipped.add(file_name);
    return Step::other;
  }
  if (!is_wanted(options_, archive_.path + "!" + name, file_name)) {
    ++filtered_;
    return Step::other;
  }
  FoundFile file = archive_;
  file.path = unique_path(name);
  file.size_bytes = (*member)->size_bytes;
  file.member = ArchiveMember{(*member)->offset, static_cast<std::int32_t>(archive_.path.size())};
  found.push_back(std::move(file));
  ++photos_;
  return Step::photo;
}

}  // namespace photoscribe
