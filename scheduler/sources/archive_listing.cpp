#include "scheduler/sources/archive_listing.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

#include "common/archive/member_name.h"
#include "common/archive/tar_reader.h"
#include "common/archive/zip_directory.h"
#include "common/core/file_descriptor.h"
#include "common/text/utf8.h"

namespace photoscribe {

struct ArchiveListing::Impl {
  std::string path;
  struct ::stat node {};
  FileDescriptor file;  // of a zip; a tar's reader has its own
  std::optional<ZipDirectory> zip;
  std::optional<TarReader> tar;
  ArchiveKind kind = ArchiveKind::none;
  std::int64_t size_bytes = 0;                     // of the member that was given last
  std::optional<std::optional<std::string>> text;  // of it, once it was read
};

ArchiveListing::ArchiveListing(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ArchiveListing::ArchiveListing(ArchiveListing&&) noexcept = default;
ArchiveListing& ArchiveListing::operator=(ArchiveListing&&) noexcept = default;
ArchiveListing::~ArchiveListing() = default;

FromArchive<ArchiveListing> ArchiveListing::open(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->file = FileDescriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!impl->file.valid() || ::fstat(impl->file.get(), &impl->node) != 0)
    return archive_unread(errno, std::strerror(errno));
  if (!S_ISREG(impl->node.st_mode)) return archive_refused(Reason::not_a_file, "is no file");
  const ArchiveKind kind = impl->kind = archive_kind_of(impl->file.get());
  if (kind == ArchiveKind::none)
    return archive_refused(Reason::unsupported, "is no archive, by its first bytes");
  if (kind == ArchiveKind::zip) {
    auto zip = ZipDirectory::open(read_file_at(impl->file.get()), impl->node.st_size);
    if (!zip) return tl::unexpected(zip.error());
    impl->zip.emplace(std::move(*zip));
  } else {
    auto tar = TarReader::open(std::move(impl->file), kind);
    if (!tar) return tl::unexpected(tar.error());
    impl->tar.emplace(std::move(*tar));
  }
  return ArchiveListing(std::move(impl));
}

FromArchive<std::optional<ListedMember>> ArchiveListing::next() {
  ListedMember listed;
  impl_->text.reset();
  if (impl_->zip) {
    const auto member = impl_->zip->next();
    if (!member) return tl::unexpected(member.error());
    if (!*member) return std::nullopt;
    listed = {std::string(plain_name((*member)->name)), (*member)->offset, (*member)->size_bytes,
              (*member)->is_folder()};
  } else {
    const auto member = impl_->tar->next();
    if (!member) return tl::unexpected(member.error());
    if (!*member) return std::nullopt;
    listed = {std::string(plain_name((*member)->name)), (*member)->offset, (*member)->size_bytes,
              (*member)->is_folder};
  }
  impl_->size_bytes = listed.size_bytes;
  return std::optional<ListedMember>(std::move(listed));
}

FromArchive<std::optional<std::string>> ArchiveListing::text(std::size_t bytes_max) {
  if (!impl_->tar || impl_->size_bytes < 0 ||
      static_cast<std::size_t>(impl_->size_bytes) > bytes_max) {
    return std::nullopt;
  }
  if (impl_->text) return *impl_->text;
  std::string text(static_cast<std::size_t>(impl_->size_bytes), '\0');
  const auto got = impl_->tar->read({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!got) return tl::unexpected(got.error());
  text.resize(*got);
  const bool is_text = is_valid_utf8(text) && text.find('\0') == std::string::npos;
  impl_->text.emplace(is_text ? std::optional(std::move(text)) : std::nullopt);
  return *impl_->text;
}

ArchiveKind ArchiveListing::kind() const { return impl_->kind; }

bool ArchiveListing::has_changed() const {
  struct ::stat now {};
  const struct ::stat& then = impl_->node;
  return ::stat(impl_->path.c_str(), &now) != 0 || now.st_ino != then.st_ino ||
         now.st_size != then.st_size || now.st_mtim.tv_sec != then.st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != then.st_mtim.tv_nsec;
}

std::optional<std::string> why_no_archive(const std::string& file) {
  auto listing = ArchiveListing::open(file);
  if (!listing) return listing.error().what;
  const auto first = listing->next();
  // Damage is for the walk to name: what comes before it is read.
  if (!first && first.error().reason == Reason::unsupported) return first.error().what;
  return std::nullopt;
}

}  // namespace photoscribe
