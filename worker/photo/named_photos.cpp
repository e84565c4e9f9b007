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
#include "common/remote/http_client.h"
#include "common/remote/photo_url.h"
#include "worker/photo/open_failure.h"
#include "worker/photo/remote_photos.h"

namespace photoscribe {
namespace {

constexpr std::chrono::seconds kSilentFor{30};

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

Expected<PhotosByName> PhotosByName::open(RemoteSettings remote) {
  auto everything = PhotoRoot::open("files", "/");
  if (!everything) return fail(everything.error());
  return PhotosByName(std::move(*everything), std::move(remote));
}

Expected<PhotosByName::Server*> PhotosByName::server_of(const std::string& root) {
  const auto known = servers_.find(root);
  if (known != servers_.end()) return &known->second;
  if (!client_) client_ = std::make_shared<HttpClient>(remote_);
  auto photos = RemotePhotos::open(root, client_);
  if (!photos) return fail(photos.error());
  Server server{PhotoRoot::of_server(root, root, std::move(*photos)), {}};
  return &servers_.emplace(root, std::move(server)).first->second;
}

Opened<std::span<const std::uint8_t>> PhotosByName::read_remote(const std::string& url,
                                                                std::int64_t bytes_max) {
  const Expected<PhotoUrl> parsed = parse_photo_url(url);
  if (!parsed) return refuse(Reason::missing, parsed.error().message);
  const Expected<Server*> server = server_of(parsed->root);
  if (!server) return refuse(Reason::unreadable, server.error().message);
  if (Clock::now() < (*server)->silent_until) {
    return refuse(Reason::unreadable, "the server did not answer a moment ago");
  }
  auto bytes = buffer_.read((*server)->root, parsed->path, bytes_max);
  if (!bytes && bytes.error().environment) (*server)->silent_until = Clock::now() + kSilentFor;
  return bytes;
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
  if (is_remote(file)) return read_remote(file, bytes_max);
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
