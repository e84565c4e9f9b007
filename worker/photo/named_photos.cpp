#include "worker/photo/named_photos.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/archive/archive_kind.h"
#include "common/archive/member_name.h"
#include "common/archive/member_numbers.h"
#include "common/archive/tar_reader.h"
#include "common/archive/zip_directory.h"
#include "worker/photo/open_failure.h"

namespace photoscribe {
namespace {

/// Calls `add` with name and offset of each file in it, up to the first damage.
template <class Add>
FromArchive<void> list(FileDescriptor file, Add add) {
  const ArchiveKind kind = archive_kind_of(file.get());
  if (kind == ArchiveKind::none) return archive_refused(Reason::missing, "no archive");
  if (kind != ArchiveKind::zip) {
    auto tar = TarReader::open(std::move(file), kind);
    if (!tar) return tl::unexpected(tar.error());
    for (;;) {
      const auto member = tar->next();
      if (!member || !*member) return {};
      if (!(*member)->is_folder) add((*member)->name, (*member)->offset);
    }
  }
  struct stat node {};
  if (::fstat(file.get(), &node) != 0) return archive_unread(errno, std::strerror(errno));
  auto zip = ZipDirectory::open(read_file_at(file.get()), node.st_size);
  if (!zip) return tl::unexpected(zip.error());
  for (;;) {
    const auto member = zip->next();
    if (!member || !*member) return {};
    if (!(*member)->is_folder()) add((*member)->name, (*member)->offset);
  }
}

}  // namespace

Expected<PhotosByName> PhotosByName::open() {
  auto everything = PhotoRoot::open("files", "/");
  if (!everything) return fail(everything.error());
  return PhotosByName(std::move(*everything));
}

FromArchive<const PhotosByName::Offsets*> PhotosByName::members_of(const std::string& archive) {
  if (archive == listed_) return &offsets_;
  auto file = everything_.open_file(archive);
  if (!file) return archive_refused(file.error().reason, file.error().detail);
  listed_.clear();
  offsets_.clear();
  MemberNumbers numbers;
  const auto listed = list(std::move(*file), [&](std::string_view name, std::int64_t offset) {
    offsets_.emplace(numbers.name_of(std::string(plain_name(name))), offset);
  });
  if (!listed) return tl::unexpected(listed.error());
  listed_ = archive;
  return &offsets_;
}

Opened<std::span<const std::uint8_t>> PhotosByName::read(const std::string& file,
                                                         std::int64_t bytes_max) {
  std::error_code failed;
  const std::string absolute = std::filesystem::absolute(file, failed).string();
  if (failed || absolute.size() < 2) return refuse(Reason::missing, "no such file");
  const std::string path = absolute.substr(1);
  auto bytes = buffer_.read(everything_, path, bytes_max);
  if (bytes || bytes.error().environment || bytes.error().reason != Reason::missing) return bytes;
  for (auto mark = path.find('!'); mark != std::string::npos; mark = path.find('!', mark + 1)) {
    const std::string archive = path.substr(0, mark);
    struct stat node {};
    if (::stat(("/" + archive).c_str(), &node) != 0 || !S_ISREG(node.st_mode)) continue;
    const auto members = members_of(archive);
    if (!members) return refuse(members.error().reason, members.error().what);
    const auto member = (*members)->find(std::string_view(path).substr(mark + 1));
    if (member == (*members)->end())
      return refuse(Reason::missing, "the archive has no member of that name");
    return buffer_.read(everything_, path,
                        ArchiveMember{member->second, static_cast<std::int32_t>(mark)}, bytes_max);
  }
  return bytes;
}

}  // namespace photoscribe
