#include "scheduler/sources/archive_exports.h"

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "common/archive/member_name.h"
#include "common/archive/read_member.h"
#include "scheduler/sidecars/social_exports.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

constexpr std::size_t kTextsMax = std::size_t{512} << 20;  // of compressed tars, all together

/// Where something that may tell lies.
struct Place {
  int archive = 0;
  std::int64_t offset = 0;
  std::optional<std::string> text;  // of a compressed tar
};

/// The archives of one series, as one folder. Only names that matter are in it.
struct Tree {
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> folders{{"", {}}};
  std::unordered_map<std::string, std::vector<Place>> places;  // one for each archive
  std::optional<sidecars::SocialExports> exports;

  void add_folder(const std::string& folder) {
    if (folders.contains(folder)) return;
    const std::string above = folder_of(folder);
    add_folder(above);
    folders[above].emplace(base_name(folder));
    folders[folder];
  }
};

}  // namespace

std::string series_of(std::string_view name) {
  name = name.substr(0, name.rfind('.'));
  if (name.ends_with(".tar")) name.remove_suffix(4);
  const auto trimmed = [&](std::string_view more) {
    while (!name.empty() && more.find(name.back()) != std::string_view::npos) name.remove_suffix(1);
  };
  trimmed(" ()0123456789");
  for (auto end = name; !end.empty(); end = name) {
    trimmed("-_ ");
    trimmed("0123456789");
    if (name.size() == end.size()) break;
  }
  return std::string(name);
}

struct ArchiveExports::Impl {
  std::vector<std::string> archives;
  std::unordered_map<std::string, int> numbers;    // of them
  std::map<std::string, Tree, std::less<>> trees;  // by series
  Tree* tree = nullptr;                            // of the archive that is noted
  std::string folder;                              // of the member before
  std::size_t text_bytes = 0;
  std::int64_t left_out = 0;
  bool complete = false;
  std::vector<Tree*> of_services;  // known across series
  int asking = -1;                 // the archive of the photo that is asked about
  int opened = -1;                 // the archive that was read last
  FileDescriptor file;

  std::optional<std::string> read(const Tree& of, const std::string& path, std::size_t bytes_max);
  void enter_all(Tree& one);
  void complete_all();
};

ArchiveExports::ArchiveExports() : impl_(std::make_unique<Impl>()) {}
ArchiveExports::ArchiveExports(ArchiveExports&&) noexcept = default;
ArchiveExports& ArchiveExports::operator=(ArchiveExports&&) noexcept = default;
ArchiveExports::~ArchiveExports() = default;

void ArchiveExports::begin(const std::string& archive) {
  impl_->numbers[archive] = static_cast<int>(impl_->archives.size());
  impl_->archives.push_back(archive);
  impl_->tree = &impl_->trees[series_of(base_name(archive))];
  impl_->folder.clear();
}

FromArchive<void> ArchiveExports::note(const ListedMember& member, ArchiveListing& listing) {
  Impl& impl = *impl_;
  std::string path = member.name;
  while (path.ends_with('/')) path.pop_back();
  if (is_unsafe_name(path)) return {};
  if (member.is_folder) {
    impl.tree->add_folder(path);
    return {};
  }
  if (std::string folder = folder_of(path); folder != impl.folder) {
    impl.tree->add_folder(folder);
    impl.folder = std::move(folder);
  }
  if (!sidecars::may_tell(base_name(path))) return {};
  Place place{static_cast<int>(impl.archives.size()) - 1, member.offset, {}};
  if (listing.kind() != ArchiveKind::zip) {
    // Passing by anyway: what is another program's need not be kept in mind.
    const std::size_t room = kTextsMax - impl.text_bytes;
    const bool packed = listing.kind() == ArchiveKind::packed_tar;
    if (packed && member.size_bytes > static_cast<std::int64_t>(room)) ++impl.left_out;
    const std::size_t most = sidecars::telling_bytes_max(base_name(path));
    auto text = listing.text(packed ? std::min(room, most) : most);
    if (!text) return tl::unexpected(text.error());
    if (!*text || !sidecars::looks_telling(**text)) return {};
    if (packed) {
      impl.text_bytes += (*text)->size();
      place.text = std::move(**text);
    }
  }
  impl.tree->folders[impl.folder].emplace(base_name(path));
  impl.tree->places[std::move(path)].push_back(std::move(place));
  return {};
}

bool ArchiveExports::tells() const {
  return std::any_of(impl_->trees.begin(), impl_->trees.end(),
                     [](const auto& one) { return !one.second.places.empty(); });
}

std::int64_t ArchiveExports::left_out() const { return impl_->left_out; }

std::optional<std::string> ArchiveExports::Impl::read(const Tree& of, const std::string& path,
                                                      std::size_t bytes_max) {
  const auto at = of.places.find(path);
  if (at == of.places.end()) return std::nullopt;
  const auto own = std::find_if(at->second.begin(), at->second.end(),
                                [&](const Place& one) { return one.archive == asking; });
  const Place& place = own == at->second.end() ? at->second.front() : *own;
  if (place.text) return place.text->size() <= bytes_max ? place.text : std::nullopt;
  if (place.archive != opened) {
    const std::string& archive = archives[static_cast<std::size_t>(place.archive)];
    file = FileDescriptor(::open(archive.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    opened = place.archive;
  }
  if (!file.valid()) return std::nullopt;
  auto text = read_small_member(file.get(), place.offset, bytes_max);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

void ArchiveExports::Impl::enter_all(Tree& one) {
  sidecars::ExportFiles files;
  files.names = [&one](const std::string& of) {
    const auto at = one.folders.find(of);
    return at == one.folders.end() ? std::vector<std::string>()
                                   : std::vector<std::string>(at->second.begin(), at->second.end());
  };
  files.read = [this, &one](const std::string& path, std::size_t bytes_max) {
    return read(one, path, bytes_max);
  };
  one.exports.emplace(std::move(files));
  for (const auto& [path, names] : one.folders)
    one.exports->enter(path, std::vector<std::string_view>(names.begin(), names.end()));
}

void ArchiveExports::Impl::complete_all() {
  if (std::exchange(complete, true)) return;
  for (auto& [series, one] : trees) {
    if (one.places.empty()) continue;
    enter_all(one);
    if (one.exports->tells_of_other_parts()) of_services.push_back(&one);
  }
}

KeptValues ArchiveExports::of(const std::string& archive, const std::string& member) {
  Impl& impl = *impl_;
  impl.complete_all();
  const auto number = impl.numbers.find(archive);
  impl.asking = number == impl.numbers.end() ? -1 : number->second;
  const auto own = impl.trees.find(series_of(base_name(archive)));
  if (own != impl.trees.end() && own->second.exports) {
    if (KeptValues kept = own->second.exports->of(member); !kept.empty()) return kept;
  }
  for (Tree* const one : impl.of_services) {
    if (own != impl.trees.end() && one == &own->second) continue;
    if (KeptValues kept = one->exports->of_another_part(member); !kept.empty()) return kept;
  }
  return {};
}

std::map<std::string, std::int64_t> ArchiveExports::described() const {
  std::map<std::string, std::int64_t> all;
  for (const auto& [series, one] : impl_->trees) {
    if (!one.exports) continue;
    for (const auto& [source, photos] : one.exports->described()) all[source] += photos;
  }
  return all;
}

}  // namespace photoscribe
