#include "common/archive/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <langinfo.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

namespace photoscribe {
namespace {

using Clock = std::chrono::steady_clock;

// The first read of a member is small, since most of a large one would be wasted on a small photo;
// the next ones grow.
constexpr std::size_t kReadMin = std::size_t{32} << 10, kReadMax = std::size_t{1} << 20;
// Tars of photos shrink by a hundredth, of scans without compression to a hundredth at best.
constexpr std::int64_t kRatioMax = 1000, kUnpackedFree = std::int64_t{1} << 30;
constexpr auto kProgressEvery = std::chrono::milliseconds(200);

struct CloseArchive {
  void operator()(archive* one) const noexcept { ::archive_read_free(one); }
};
using Archive = std::unique_ptr<archive, CloseArchive>;

/// While it lives, libarchive takes and gives names as UTF-8 on this thread, whatever the locale
/// is: in "C" it has none for a pax header with an umlaut.
class Utf8Names {
 public:
  Utf8Names() : before_(::uselocale(utf8())) {}
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;
  ~Utf8Names() { ::uselocale(before_); }

 private:
  static locale_t utf8() {
    static const locale_t made = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return made;  // none, where there is no such locale: nothing changes
  }
  locale_t before_;
};

/// What libarchive reads the file through.
struct Source {
  int file = -1;
  std::int64_t position = 0, end = 0;
  std::int64_t got_bytes = 0;
  std::size_t read_next = kReadMin;
  int error = 0;  // of the read that failed
  std::vector<std::uint8_t> block;
  TarReader::OnProgress on_progress;
  Clock::time_point told = Clock::now();

  void progress() {
    if (!on_progress) return;
    const auto now = Clock::now();
    if (now - told < kProgressEvery) return;
    told = now;
    on_progress();
  }
};

la_ssize_t read_some(archive* from, void* data, const void** bytes) {
  auto& source = *static_cast<Source*>(data);
  source.progress();
  source.block.resize(source.read_next);
  source.read_next = std::min(source.read_next * 2, kReadMax);
  ssize_t got = 0;
  do {
    got = ::pread(source.file, source.block.data(), source.block.size(), source.position);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    source.error = errno;
    ::archive_set_error(from, source.error, "%s", std::strerror(source.error));
    return ARCHIVE_FATAL;
  }
  source.position += got;
  source.got_bytes += got;
  *bytes = source.block.data();
  return got;
}

la_int64_t skip_some(archive* /*from*/, void* data, la_int64_t wanted) {
  auto& source = *static_cast<Source*>(data);
  source.progress();
  source.read_next = kReadMin;
  const std::int64_t skipped = std::clamp<std::int64_t>(wanted, 0, source.end - source.position);
  source.position += skipped;
  return skipped;
}

/// What libarchive, or the file, says; `otherwise`: what there is if it is of no format.
tl::unexpected<ArchiveFailure> failure_of(const Source& source, archive* from,
                                          const char* otherwise) {
  if (source.error != 0) return archive_unread(source.error, std::strerror(source.error));
  if (::archive_errno(from) == ENOMEM) return archive_unread(ENOMEM, std::strerror(ENOMEM));
  const char* const why = ::archive_error_string(from);
  const std::string what = why == nullptr ? "damaged" : why;
  if (what.find("Unrecognized archive format") != std::string::npos)
    return archive_refused(Reason::unsupported, otherwise);
  return archive_damaged(what);
}

FromArchive<void> open_source(Source& source, archive* to, std::int64_t offset,
                              const char* otherwise) {
  struct stat node {};
  if (::fstat(source.file, &node) != 0) return archive_unread(errno, std::strerror(errno));
  if (offset < 0 || offset > node.st_size)
    return archive_refused(Reason::missing, "the archive ends before the member's place");
  source.position = offset;
  source.end = node.st_size;
  ::archive_read_set_read_callback(to, read_some);
  ::archive_read_set_skip_callback(to, skip_some);
  ::archive_read_set_callback_data(to, &source);
  if (::archive_read_open1(to) == ARCHIVE_OK) return {};
  return failure_of(source, to, otherwise);
}

std::string file_kind(archive_entry* entry) {
  if (const char* const target = ::archive_entry_hardlink(entry))
    return std::string("a second name of ") + target;
  switch (::archive_entry_filetype(entry)) {
    case AE_IFREG:
      return {};
    case AE_IFDIR:
      return "a folder";
    case AE_IFLNK: {
      const char* const target = ::archive_entry_symlink(entry);
      return std::string("a link to ") + (target == nullptr ? "nothing" : target);
    }
    case AE_IFIFO:
      return "a named pipe";
    case AE_IFSOCK:
      return "a socket";
    default:
      return "a device";
  }
}

std::string name_of(archive_entry* entry) {
  if (const char* const name = ::archive_entry_pathname(entry)) return name;
  const char* const utf8 = ::archive_entry_pathname_utf8(entry);
  return utf8 == nullptr ? "" : utf8;
}

}  // namespace

struct TarReader::Impl {
  [[nodiscard]] const char* otherwise() const {
    return packed ? "compressed, but there is no tar in it" : "no tar";
  }
  FileDescriptor file;
  bool packed = false;
  std::int64_t start = 0;  // where libarchive's own offsets begin
  Source source;
  Archive tar;

  FromArchive<void> open(ArchiveKind kind, std::int64_t offset);
  FromArchive<void> pass_over();
  tl::unexpected<ArchiveFailure> failure() const;
  [[nodiscard]] bool is_bomb() const {
    return packed && ::archive_filter_bytes(tar.get(), 0) >
                         kUnpackedFree + kRatioMax * std::max<std::int64_t>(source.got_bytes, 1);
  }
};

tl::unexpected<ArchiveFailure> TarReader::Impl::failure() const {
  return failure_of(source, tar.get(), otherwise());
}

FromArchive<void> TarReader::Impl::open(ArchiveKind kind, std::int64_t offset) {
  packed = kind == ArchiveKind::packed_tar;
  start = packed ? 0 : offset;
  source.file = file.get();
  if (packed) source.read_next = kReadMax;
  tar.reset(::archive_read_new());
  if (!tar) throw std::bad_alloc();
  ::archive_read_support_format_tar(tar.get());
  if (packed) {  // by name: one of "all" starts other programs
    ::archive_read_support_filter_gzip(tar.get());
    ::archive_read_support_filter_bzip2(tar.get());
    ::archive_read_support_filter_xz(tar.get());
    ::archive_read_support_filter_lzma(tar.get());
    ::archive_read_support_filter_zstd(tar.get());
    ::archive_read_support_filter_lz4(tar.get());
    ::archive_read_support_filter_compress(tar.get());
  }
  const Utf8Names names;
  return open_source(source, tar.get(), start, otherwise());
}

/// What is left of a member of a packed tar. Piece by piece, since libarchive would unpack all of
/// it before it returns.
FromArchive<void> TarReader::Impl::pass_over() {
  for (;;) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = ::archive_read_data_block(tar.get(), &bytes, &size, &offset);
    if (result == ARCHIVE_EOF) return {};
    if (result < ARCHIVE_WARN) return failure();
    if (is_bomb())
      return archive_refused(Reason::too_large, "it unpacks to more than " +
                                                    std::to_string(kRatioMax) + " times its size");
    source.progress();
  }
}

FromArchive<TarReader> TarReader::open(FileDescriptor file, ArchiveKind kind, std::int64_t offset,
                                       OnProgress on_progress) {
  auto impl = std::make_unique<Impl>();
  impl->file = std::move(file);
  impl->source.on_progress = std::move(on_progress);
  if (auto opened = impl->open(kind, offset); !opened) return tl::unexpected(opened.error());
  return TarReader(std::move(impl));
}

TarReader::TarReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader& TarReader::operator=(TarReader&&) noexcept = default;
TarReader::~TarReader() = default;

FromArchive<std::optional<TarMember>> TarReader::next() {
  Impl& impl = *impl_;
  const Utf8Names names;
  if (impl.packed && ::archive_file_count(impl.tar.get()) > 0) {
    if (auto passed = impl.pass_over(); !passed) return tl::unexpected(passed.error());
  }
  archive_entry* entry = nullptr;
  const int result = ::archive_read_next_header(impl.tar.get(), &entry);
  if (result == ARCHIVE_EOF) return std::nullopt;
  // RETRY would look for the next header in what may be a member's own bytes.
  if (result < ARCHIVE_WARN || entry == nullptr) return impl.failure();
  TarMember member;
  member.name = name_of(entry);
  member.offset = impl.start + ::archive_read_header_position(impl.tar.get());
  member.size_bytes = ::archive_entry_size(entry);
  member.otherwise = file_kind(entry);
  member.is_folder = ::archive_entry_filetype(entry) == AE_IFDIR;
  return std::optional<TarMember>(std::move(member));
}

FromArchive<std::size_t> TarReader::read(std::span<std::uint8_t> into) {
  Impl& impl = *impl_;
  std::size_t have = 0;
  while (have < into.size()) {
    // In pieces, so that whoever watches sees that it goes on.
    const std::size_t wanted = std::min(into.size() - have, kReadMax);
    const la_ssize_t got = ::archive_read_data(impl.tar.get(), into.data() + have, wanted);
    if (got == 0) break;
    if (got < 0) return impl.failure();
    have += static_cast<std::size_t>(got);
    if (impl.is_bomb())
      return archive_refused(Reason::too_large, "the archive unpacks to more than " +
                                                    std::to_string(kRatioMax) + " times its size");
    impl.source.progress();
  }
  return have;
}

FromArchive<void> read_zip_member(int file, std::int64_t local_offset,
                                  std::span<std::uint8_t> into) {
  Source source;
  source.file = file;
  const Archive zip(::archive_read_new());
  if (!zip) throw std::bad_alloc();
  ::archive_read_support_format_zip_streamable(zip.get());
  const Utf8Names names;
  if (auto opened = open_source(source, zip.get(), local_offset, "no member of a zip"); !opened)
    return opened;
  const auto failure = [&]() -> tl::unexpected<ArchiveFailure> {
    if (source.error != 0) return archive_unread(source.error, std::strerror(source.error));
    const char* const why = ::archive_error_string(zip.get());
    const std::string what = why == nullptr ? "damaged" : why;
    const bool unknown = what.find("nsupported") != std::string::npos;
    return archive_refused(unknown ? Reason::unsupported : Reason::truncated, what);
  };
  archive_entry* entry = nullptr;
  if (::archive_read_next_header(zip.get(), &entry) < ARCHIVE_WARN) return failure();
  std::size_t have = 0;
  while (have < into.size()) {
    const la_ssize_t got = ::archive_read_data(zip.get(), into.data() + have, into.size() - have);
    if (got == 0) return archive_damaged("the member ends early");
    if (got < 0) return failure();
    have += static_cast<std::size_t>(got);
  }
  return {};
}

}  // namespace photoscribe
