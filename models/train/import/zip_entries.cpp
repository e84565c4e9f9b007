#include "models/train/import/zip_entries.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace photoscribe {
namespace {

// APPNOTE.TXT, 4.3: records begin with these; all numbers are little-endian.
constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50,
                        kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr std::size_t kEndBytes = 22, kLocatorBytes = 20, kCommentBytesMax = 65'535;
constexpr std::uint32_t kIn64 = 0xffffffff;  // the true value is in the zip64 field

[[noreturn]] void refuse_zip(const std::string& what) {
  throw std::runtime_error("a damaged zip file: " + what);
}

/// A range of the archive, read by position.
class Range {
 public:
  explicit Range(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] std::string_view part(std::uint64_t at, std::uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) refuse_zip("it is cut short");
    return bytes_.substr(at, size);
  }
  template <class T>
  [[nodiscard]] T number(std::uint64_t at) const {
    T value;
    std::memcpy(&value, part(at, sizeof value).data(), sizeof value);
    return value;
  }
  [[nodiscard]] std::uint16_t u16(std::uint64_t at) const { return number<std::uint16_t>(at); }
  [[nodiscard]] std::uint32_t u32(std::uint64_t at) const { return number<std::uint32_t>(at); }
  [[nodiscard]] std::uint64_t u64(std::uint64_t at) const { return number<std::uint64_t>(at); }
  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

std::uint64_t find_end(const Range& file) {
  for (std::uint64_t back = kEndBytes;
       back <= std::min<std::uint64_t>(file.size(), kEndBytes + kCommentBytesMax); ++back)
    if (file.u32(file.size() - back) == kEnd) return file.size() - back;
  refuse_zip("it is cut short; download or copy it again");
}

struct Directory {
  std::uint64_t entries = 0, at = 0;
};

Directory find_directory(const Range& file) {
  const std::uint64_t end = find_end(file);
  Directory directory{file.u16(end + 10), file.u32(end + 16)};
  if (end >= kLocatorBytes && file.u32(end - kLocatorBytes) == kLocator64) {
    const std::uint64_t at = file.u64(end - kLocatorBytes + 8);
    if (file.u32(at) != kEnd64) refuse_zip("its zip64 record is not where it should be");
    directory = {file.u64(at + 32), file.u64(at + 48)};
  }
  return directory;
}

struct Entry {
  std::uint64_t packed_bytes = 0, bytes = 0, at = 0;  // of its local header
};

/// Takes from the zip64 field of the extra data what does not fit into the record.
void read_zip64(const Range& extra, Entry& entry) {
  for (std::uint64_t at = 0; at + 4 <= extra.size(); at += 4 + extra.u16(at + 2)) {
    if (extra.u16(at) != 1) continue;
    std::uint64_t next = at + 4;
    for (std::uint64_t* value : {&entry.bytes, &entry.packed_bytes, &entry.at}) {
      if (*value != kIn64) continue;
      *value = extra.u64(next);
      next += 8;
    }
    return;
  }
}

}  // namespace

std::map<std::string, std::string_view> zip_entries(std::string_view bytes) {
  const Range file(bytes);
  const Directory directory = find_directory(file);
  std::map<std::string, std::string_view> entries;
  std::uint64_t at = directory.at;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (file.u32(at) != kCentral) refuse_zip("its directory has " + std::to_string(i) + " entries");
    const std::uint64_t name_bytes = file.u16(at + 28), extra_bytes = file.u16(at + 30);
    const std::string name(file.part(at + 46, name_bytes));
    Entry entry{file.u32(at + 20), file.u32(at + 24), file.u32(at + 42)};
    read_zip64(Range(file.part(at + 46 + name_bytes, extra_bytes)), entry);
    if (file.u16(at + 10) != 0 || (file.u16(at + 8) & 1) != 0 || entry.packed_bytes != entry.bytes)
      throw std::runtime_error("its entry " + name +
                               " is compressed or encrypted; torch.save writes neither");
    if (file.u32(entry.at) != kLocal)
      refuse_zip("its entry " + name + " is not where it should be");
    const std::uint64_t data = entry.at + 30 + file.u16(entry.at + 26) + file.u16(entry.at + 28);
    entries.emplace(name, file.part(data, entry.bytes));
    at += 46 + name_bytes + extra_bytes + file.u16(at + 32);
  }
  return entries;
}

}  // namespace photoscribe
