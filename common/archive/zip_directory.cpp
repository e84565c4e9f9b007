// Offsets and marks are those of PKWARE's APPNOTE.TXT 6.3.9, sections 4.3.7, 4.3.12 to 4.3.16 and
// 4.5.3.
#include "common/archive/zip_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace photoscribe {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint32_t kLocalMark = 0x04034b50, kMemberMark = 0x02014b50, kEndMark = 0x06054b50;
constexpr std::uint32_t kEnd64Mark = 0x06064b50, kLocator64Mark = 0x07064b50;
constexpr std::size_t kLocalBytes = 30, kMemberBytes = 46, kEndBytes = 22;
constexpr std::size_t kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr std::size_t kCommentMax = 0xffff;
constexpr std::size_t kBlock = std::size_t{256} << 10;
constexpr std::uint32_t kIn64 = 0xffffffff;  // the number is in the extra field of zip64
constexpr std::uint16_t kExtra64 = 1;

std::uint16_t u16(Bytes bytes, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}
std::uint32_t u32(Bytes bytes, std::size_t at) noexcept {
  return u16(bytes, at) | std::uint32_t{u16(bytes, at + 2)} << 16;
}
std::uint64_t u64(Bytes bytes, std::size_t at) noexcept {
  return u32(bytes, at) | std::uint64_t{u32(bytes, at + 4)} << 32;
}

FromArchive<void> read_exactly(const ReadAt& read, std::int64_t offset,
                               std::span<std::uint8_t> into) {
  const auto got = read(offset, into);
  if (!got) return archive_unread(got.error(), std::strerror(got.error()));
  if (*got != into.size()) return archive_damaged("it ends early");
  return {};
}

struct End {
  std::int64_t members = 0, bytes = 0, offset = 0;  // of the directory
  std::int64_t limit = 0;                           // the directory ends before this
};

/// True of a number that no file of `file_bytes` bytes can have.
bool too_far(std::uint64_t number, std::int64_t file_bytes) noexcept {
  return number > static_cast<std::uint64_t>(file_bytes);
}

FromArchive<End> read_end64(const ReadAt& read, std::int64_t file_bytes, std::int64_t end_at) {
  const auto cannot = archive_damaged("its zip64 directory is not where it says");
  std::array<std::uint8_t, kLocator64Bytes> locator{};
  if (end_at < static_cast<std::int64_t>(locator.size())) return cannot;
  const std::int64_t locator_at = end_at - static_cast<std::int64_t>(locator.size());
  if (auto had = read_exactly(read, locator_at, locator); !had) return tl::unexpected(had.error());
  const std::uint64_t at = u64(locator, 8);
  if (u32(locator, 0) != kLocator64Mark || too_far(at, locator_at)) return cannot;
  if (u32(locator, 4) != 0 || u32(locator, 16) > 1)
    return archive_refused(Reason::unsupported, "a zip in several volumes: join them first");
  std::array<std::uint8_t, kEnd64Bytes> record{};
  const auto record_at = static_cast<std::int64_t>(at);
  if (auto had = read_exactly(read, record_at, record); !had) return tl::unexpected(had.error());
  if (u32(record, 0) != kEnd64Mark) return cannot;
  const std::uint64_t members = u64(record, 32), bytes = u64(record, 40), offset = u64(record, 48);
  if (too_far(members, file_bytes) || too_far(bytes, file_bytes) || too_far(offset, file_bytes))
    return cannot;
  return End{static_cast<std::int64_t>(members), static_cast<std::int64_t>(bytes),
             static_cast<std::int64_t>(offset), record_at};
}

/// Place of the mark in the file's last bytes: the last one whose comment ends where the file does,
/// else the last one at all.
std::optional<std::size_t> find_end(Bytes tail) {
  std::optional<std::size_t> any;
  if (tail.size() < kEndBytes) return any;
  for (std::size_t at = tail.size() - kEndBytes + 1; at-- > 0;) {
    if (u32(tail, at) != kEndMark) continue;
    const std::size_t end = at + kEndBytes + u16(tail, at + 20);
    if (end == tail.size()) return at;
    if (end < tail.size() && !any) any = at;
  }
  return any;
}

FromArchive<End> read_end(const ReadAt& read, std::int64_t file_bytes) {
  const auto wanted = std::min<std::int64_t>(file_bytes, kEndBytes + kCommentMax);
  std::vector<std::uint8_t> tail(static_cast<std::size_t>(wanted));
  if (auto had = read_exactly(read, file_bytes - wanted, tail); !had)
    return tl::unexpected(had.error());
  const auto at = find_end(tail);
  if (!at) return archive_damaged("a zip without the directory at its end: it was cut short");
  const Bytes end = Bytes(tail).subspan(*at, kEndBytes);
  const std::int64_t end_at = file_bytes - wanted + static_cast<std::int64_t>(*at);
  const std::uint16_t members = u16(end, 10);
  if (members == 0xffff || u32(end, 12) == kIn64 || u32(end, 16) == kIn64) {
    auto end64 = read_end64(read, file_bytes, end_at);
    if (end64 || members == 0xffff || end64.error().error != 0) return end64;
  }
  if (u16(end, 4) != 0 || u16(end, 6) != 0 || u16(end, 8) != members)
    return archive_refused(Reason::unsupported, "a zip in several volumes: join them first");
  return End{members, u32(end, 12), u32(end, 16), end_at};
}

/// Numbers that do not fit the header proper, in this order.
bool read_extra64(Bytes extra, ZipMember& member, bool size, bool packed, bool offset) {
  while (extra.size() >= 4) {
    const std::size_t length = u16(extra, 2);
    if (length > extra.size() - 4) return false;
    Bytes field = extra.subspan(4, length);
    const bool ours = u16(extra, 0) == kExtra64;
    extra = extra.subspan(4 + length);
    if (!ours) continue;
    for (auto [wanted, number] : {std::pair{size, &member.size_bytes},
                                  {packed, &member.packed_bytes},
                                  {offset, &member.local_offset}}) {
      if (!wanted) continue;
      if (field.size() < 8 || u64(field, 0) > INT64_MAX) return false;
      *number = static_cast<std::int64_t>(u64(field, 0));
      field = field.subspan(8);
    }
    return true;
  }
  return false;
}

std::size_t header_bytes(Bytes header) {
  return kMemberBytes + u16(header, 28) + u16(header, 30) + std::size_t{u16(header, 32)};
}

/// `header`: the whole of it, at `offset`.
FromArchive<ZipMember> parse_member(Bytes header, std::int64_t offset, std::int64_t file_bytes) {
  ZipMember member;
  const std::size_t name_bytes = u16(header, 28), extra_bytes = u16(header, 30);
  member.name.assign(reinterpret_cast<const char*>(header.data()) + kMemberBytes, name_bytes);
  member.offset = offset;
  member.encrypted = (u16(header, 8) & 1) != 0;
  member.method = u16(header, 10);
  member.crc32 = u32(header, 16);
  member.packed_bytes = u32(header, 20);
  member.size_bytes = u32(header, 24);
  member.local_offset = u32(header, 42);
  const std::uint8_t system = header[5];
  constexpr std::uint8_t kUnix = 3, kDarwin = 19;
  if (system == kUnix || system == kDarwin) member.mode = u32(header, 38) >> 16;
  const bool size = u32(header, 24) == kIn64, packed = u32(header, 20) == kIn64,
             local = u32(header, 42) == kIn64;
  if ((size || packed || local) &&
      !read_extra64(header.subspan(kMemberBytes + name_bytes, extra_bytes), member, size, packed,
                    local)) {
    return archive_damaged("its directory is damaged: a number of zip64 is missing");
  }
  if (member.local_offset > file_bytes || member.packed_bytes > file_bytes - member.local_offset)
    return archive_damaged("its directory is damaged: a member lies behind the end of the file");
  return member;
}

}  // namespace

ReadAt read_file_at(int file) {
  return
      [file](std::int64_t offset, std::span<std::uint8_t> into) -> tl::expected<std::size_t, int> {
        std::size_t have = 0;
        while (have < into.size()) {
          const ssize_t got = ::pread(file, into.data() + have, into.size() - have,
                                      offset + static_cast<std::int64_t>(have));
          if (got == 0) break;
          if (got < 0 && errno == EINTR) continue;
          if (got < 0) return tl::unexpected(errno);
          have += static_cast<std::size_t>(got);
        }
        return have;
      };
}

bool ZipMember::is_folder() const noexcept { return name.ends_with('/') || S_ISDIR(mode); }
bool ZipMember::is_link() const noexcept { return S_ISLNK(mode); }

FromArchive<ZipDirectory> ZipDirectory::open(ReadAt read, std::int64_t file_bytes) {
  const auto end = read_end(read, file_bytes);
  if (!end) return tl::unexpected(end.error());
  if (end->offset > end->limit || end->bytes > end->limit - end->offset) {
    return archive_damaged(
        "its directory is not where it says: it was cut short, or has other bytes in front");
  }
  ZipDirectory directory(std::move(read), file_bytes);
  directory.members_ = end->members;
  directory.position_ = end->offset;
  directory.end_ = end->offset + end->bytes;
  return directory;
}

/// The directory's next `count` bytes.
FromArchive<Bytes> ZipDirectory::peek(std::size_t count) {
  const auto left = static_cast<std::size_t>(end_ - position_);
  if (count > left) return archive_damaged("its directory ends early");
  const auto skip = static_cast<std::size_t>(position_ - block_at_);
  if (skip > block_.size() || block_.size() - skip < count) {
    block_.resize(std::min(left, std::max(count, kBlock)));
    block_at_ = position_;
    if (auto had = read_exactly(read_, position_, block_); !had) {
      block_.clear();
      return tl::unexpected(had.error());
    }
    return Bytes(block_).first(count);
  }
  return Bytes(block_).subspan(skip, count);
}

FromArchive<std::optional<ZipMember>> ZipDirectory::next() {
  if (seen_ == members_) return std::nullopt;
  const auto fixed = peek(kMemberBytes);
  if (!fixed) return tl::unexpected(fixed.error());
  if (u32(*fixed, 0) != kMemberMark) {
    return archive_damaged(seen_ == 0 ? "its directory is not where it says: there are other bytes "
                                        "in front of the archive, or it is damaged"
                                      : "its directory is damaged after " + std::to_string(seen_) +
                                            " members");
  }
  const std::size_t whole = header_bytes(*fixed);
  const auto header = peek(whole);
  if (!header) return tl::unexpected(header.error());
  auto member = parse_member(*header, position_, bytes_);
  if (!member) return tl::unexpected(member.error());
  claimed_ += static_cast<std::int64_t>(kLocalBytes) + member->packed_bytes;
  if (claimed_ > bytes_)
    return archive_refused(Reason::too_large, "its members overlap, as those of a zip bomb do");
  position_ += static_cast<std::int64_t>(whole);
  ++seen_;
  return std::optional<ZipMember>(std::move(*member));
}

FromArchive<ZipMember> zip_member_at(const ReadAt& read, std::int64_t file_bytes,
                                     std::int64_t offset) {
  const auto moved = archive_refused(Reason::missing, "the archive has no member there any more");
  if (offset < 0 || offset > file_bytes - static_cast<std::int64_t>(kMemberBytes)) return moved;
  std::vector<std::uint8_t> header(kMemberBytes);
  if (auto had = read_exactly(read, offset, header); !had) return tl::unexpected(had.error());
  if (u32(header, 0) != kMemberMark) return moved;
  header.resize(header_bytes(header));
  if (auto had = read_exactly(read, offset, header); !had) return tl::unexpected(had.error());
  return parse_member(header, offset, file_bytes);
}

FromArchive<std::int64_t> zip_data_offset(const ReadAt& read, std::int64_t file_bytes,
                                          const ZipMember& member) {
  std::array<std::uint8_t, kLocalBytes> header{};
  if (auto had = read_exactly(read, member.local_offset, header); !had)
    return tl::unexpected(had.error());
  if (u32(header, 0) != kLocalMark)
    return archive_damaged("the member's header is damaged or not where the directory says");
  const std::int64_t data = member.local_offset + static_cast<std::int64_t>(kLocalBytes) +
                            u16(header, 26) + u16(header, 28);
  if (data > file_bytes || member.packed_bytes > file_bytes - data)
    return archive_damaged("the archive ends before the member does");
  return data;
}

}  // namespace photoscribe
