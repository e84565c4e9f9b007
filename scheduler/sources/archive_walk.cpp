#include "scheduler/sources/archive_walk.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/archive/archive_kind.h"
#include "common/archive/member_name.h"
#include "scheduler/store/image_extensions.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kMembersMax = 20'000'000;
constexpr std::array<std::string_view, 3> kSidecars{"txt", "json", "cls"};  // WebDataset's
constexpr std::size_t kSidecarBytesMax = std::size_t{64} << 10;

bool is_sidecar(std::string_view file_name) {
  const auto dot = file_name.find('.');
  return dot != std::string_view::npos && std::find(kSidecars.begin(), kSidecars.end(),
                                                    file_name.substr(dot + 1)) != kSidecars.end();
}

}  // namespace

ArchiveWalk::ArchiveWalk(FoundFile archive, ArchiveListing listing, const WalkOptions& options,
                         IsFile is_file, ArchiveExports* exports)
    : archive_(std::move(archive)),
      listing_(std::move(listing)),
      options_(options),
      is_file_(std::move(is_file)),
      exports_(exports) {}

FromArchive<ArchiveWalk::Step> ArchiveWalk::step(std::vector<FoundFile>& found,
                                                 SkippedNames& skipped) {
  if (!ready_.empty()) {
    found.push_back(std::move(ready_.front()));
    ready_.pop_front();
    ++photos_;
    return Step::photo;
  }
  if (ended_ && failure_) return tl::unexpected(*failure_);
  if (ended_) return Step::end;
  auto member = listing_.next();
  FromArchive<void> taken;
  if (member && *member) taken = take(**member, skipped);
  if (!member) failure_ = member.error();
  if (!taken) failure_ = taken.error();
  ended_ = failure_ || !*member;
  if (ended_) end_group(skipped);
  return Step::other;
}

FromArchive<void> ArchiveWalk::take(const ListedMember& member, SkippedNames& skipped) {
  if (++members_ > kMembersMax)
    return archive_refused(Reason::too_large,
                           "it has more than " + std::to_string(kMembersMax) + " members");
  const std::string& name = member.name;
  if (is_hidden_name(name)) return {};
  if (exports_ != nullptr) {
    if (auto noted = exports_->note(member, listing_); !noted) return noted;
  }
  if (member.is_folder) return {};
  const std::string_view file_name = base_name(name);
  const std::string key =
      name.substr(0, name.find('.', static_cast<std::size_t>(file_name.data() - name.data())));
  if (key != group_.key) {
    end_group(skipped);
    group_.key = key;
  }
  if (!options_.all_files && !has_image_extension(file_name)) {
    if (is_sidecar(file_name) && options_.sidecar_text != SidecarText::none) {
      group_.texts.emplace_back(file_name);
      return take_text(file_name);
    }
    if (has_archive_extension(file_name) && nested_++ == 0) first_nested_ = name;
    skipped.add(file_name);
    return {};
  }
  if (!is_wanted(options_, archive_.path + "!" + name, file_name)) {
    ++filtered_;
    return {};
  }
  FoundFile file = archive_;
  file.path = numbers_.name_of(archive_.path + "!" + name, is_file_);  // files keep their names
  file.size_bytes = member.size_bytes;
  file.member = ArchiveMember{member.offset, static_cast<std::int32_t>(archive_.path.size())};
  group_.photos.push_back(std::move(file));
  return {};
}

/// Of a member that is the sidecar of a photo under its key.
FromArchive<void> ArchiveWalk::take_text(std::string_view file_name) {
  const std::string_view column = file_name.substr(file_name.find('.') + 1);
  auto text = listing_.text(kSidecarBytesMax);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return {};
  std::string words = **text;
  constexpr const char* kSpace = " \t\r\n";
  words.erase(words.find_last_not_of(kSpace) + 1);
  words.erase(0, words.find_first_not_of(kSpace));
  if (words.empty()) return {};
  if (options_.sidecar_text == SidecarText::reference && column == "txt") {
    group_.reference = std::move(words);
  } else {
    group_.kept.emplace_back(column, std::move(words));
  }
  return {};
}

/// Texts under a key without a photo are files like any other.
void ArchiveWalk::end_group(SkippedNames& skipped) {
  if (group_.photos.empty()) {
    for (const std::string& name : group_.texts) skipped.add(name);
  }
  for (FoundFile& photo : group_.photos) {
    photo.kept = group_.kept;
    photo.reference = group_.reference;
    ready_.push_back(std::move(photo));
  }
  group_ = {};
}

}  // namespace photoscribe
