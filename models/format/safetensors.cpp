#include "models/format/safetensors.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "common/core/output_file.h"
#include "models/format/safetensors_header.h"

namespace photoscribe {
namespace {

constexpr std::uint64_t kHeaderBytesMax = 64ULL << 20;  // Hugging Face's reader stops at 100 MB

std::optional<ElementType> element_type(const std::string& name) {
  for (const auto type :
       {ElementType::f32, ElementType::f16, ElementType::bf16, ElementType::i64, ElementType::i8})
    if (name == to_string(type)) return type;
  return std::nullopt;
}

[[noreturn]] void bad(const std::string& name, const std::string& what) {
  throw std::runtime_error("array '" + name + "' " + what);
}

/// Elements times size; throws when that does not fit into the file.
std::uint64_t bytes_of(const ArrayView& array, const std::string& name, std::uint64_t limit) {
  std::uint64_t bytes = size_of(array.type);
  for (const std::int64_t extent : array.shape) {
    const auto n = static_cast<std::uint64_t>(extent);
    if (n != 0 && bytes > limit / n) bad(name, "is larger than the file");
    bytes *= n;
  }
  return bytes;
}

struct Entry {
  std::string name;
  ArrayView array;
  std::uint64_t begin = 0, end = 0;
};

Entry check_entry(const HeaderEntry& header_entry, std::uint64_t data_bytes) {
  Entry entry{header_entry.name, {}, header_entry.begin, header_entry.end};
  const auto type = element_type(header_entry.type);
  if (!type)
    bad(header_entry.name,
        "has elements of type " + header_entry.type + "; F32, F16, BF16, I64, I8 are read");
  entry.array.type = *type;
  for (const std::uint64_t extent : header_entry.shape) {
    if (extent > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      bad(header_entry.name, "has an extent that is too large");
    entry.array.shape.push_back(static_cast<std::int64_t>(extent));
  }
  if (entry.begin > entry.end || entry.end > data_bytes)
    bad(header_entry.name, "lies outside the file");
  if (bytes_of(entry.array, header_entry.name, data_bytes) != entry.end - entry.begin)
    bad(header_entry.name, "has a shape that does not fill its range");
  return entry;
}

/// Ranges must tile the data exactly: no overlap, no hole, nothing after the last.
void check_tiling(std::vector<Entry>& entries, std::uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin < at) bad(entry.name, "overlaps the one before it");
    if (entry.begin > at) bad(entry.name, "leaves a hole before it");
    at = entry.end;
  }
  if (at != data_bytes)
    throw std::runtime_error("the data are " + std::to_string(data_bytes) +
                             " bytes, its header describes " + std::to_string(at));
}

std::string make_header(const std::map<std::string, ArrayView>& arrays,
                        const std::map<std::string, std::string>& metadata) {
  SafetensorsHeader header;
  header.metadata = metadata;
  std::uint64_t at = 0;
  for (const auto& [name, array] : arrays) {
    if (name == "__metadata__") bad(name, "has a reserved name");
    const std::uint64_t bytes =
        bytes_of(array, name, std::numeric_limits<std::uint64_t>::max() / 2);
    if (bytes != array.bytes.size()) bad(name, "has a shape that does not fill its bytes");
    header.entries.push_back({name,
                              std::string(to_string(array.type)),
                              {array.shape.begin(), array.shape.end()},
                              at,
                              at + bytes});
    at += bytes;
  }
  return format_safetensors_header(header);
}

}  // namespace

std::size_t size_of(ElementType type) noexcept {
  switch (type) {
    case ElementType::f32:
      return 4;
    case ElementType::f16:
    case ElementType::bf16:
      return 2;
    case ElementType::i64:
      return 8;
    case ElementType::i8:
      return 1;
  }
  return 0;
}

std::string_view to_string(ElementType type) noexcept {
  switch (type) {
    case ElementType::f32:
      return "F32";
    case ElementType::f16:
      return "F16";
    case ElementType::bf16:
      return "BF16";
    case ElementType::i64:
      return "I64";
    case ElementType::i8:
      return "I8";
  }
  return "";
}

Expected<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  return guard(Errc::model_failure, path, [&] {
    SafetensorsFile file;
    file.map_ = MappedFile(path);
    const std::string_view all = file.map_.bytes();
    if (all.size() < 8) throw std::runtime_error("is too short for a safetensors file");
    const auto file_bytes = static_cast<std::uint64_t>(all.size());
    const auto* bytes = reinterpret_cast<const std::byte*>(all.data());

    std::uint64_t header_bytes = 0;  // little-endian, like every machine that this runs on
    std::memcpy(&header_bytes, bytes, sizeof header_bytes);
    if (header_bytes > kHeaderBytesMax || header_bytes > file_bytes - 8)
      throw std::runtime_error("its header is longer than the file or than 64 MiB");
    SafetensorsHeader header = parse_safetensors_header(all.substr(8, header_bytes));
    const std::byte* data = bytes + 8 + header_bytes;
    const std::uint64_t data_bytes = file_bytes - 8 - header_bytes;

    file.metadata_ = std::move(header.metadata);
    std::vector<Entry> entries;
    for (const HeaderEntry& header_entry : header.entries)
      entries.push_back(check_entry(header_entry, data_bytes));
    check_tiling(entries, data_bytes);
    for (Entry& entry : entries) {
      entry.array.bytes = {data + entry.begin, entry.end - entry.begin};
      file.arrays_.emplace(entry.name, std::move(entry.array));
    }
    return file;
  });
}

Status write_safetensors(const std::string& path, const std::map<std::string, ArrayView>& arrays,
                         const std::map<std::string, std::string>& metadata) {
  const auto header = guard(Errc::environment, path, [&] { return make_header(arrays, metadata); });
  if (!header) return fail(header.error());
  const auto out = OutputFile::open(path, OutputFile::Unfinished::is_reused);
  if (!out) return fail(out.error());
  const std::uint64_t header_bytes = header->size();
  Status written = (*out)->add({reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes});
  if (written) written = (*out)->add(*header);
  for (const auto& [name, array] : arrays) {
    const auto& bytes = array.bytes;
    if (written) written = (*out)->add({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  if (written) written = (*out)->sync();
  return written ? (*out)->finish() : written;
}

}  // namespace photoscribe
