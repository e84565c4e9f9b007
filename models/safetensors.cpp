#include "models/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

namespace photoscribe {
namespace {

using nlohmann::json;

constexpr std::uint64_t kHeaderBytesMax = 64ULL << 20;  // Hugging Face's reader stops at 100 MB

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string errno_text() { return std::strerror(errno); }

std::optional<ElementType> element_type(const std::string& name) {
  for (const auto type : {ElementType::f32, ElementType::f16, ElementType::bf16, ElementType::i64})
    if (name == to_string(type)) return type;
  return std::nullopt;
}

[[noreturn]] void bad(const std::string& name, const std::string& what) {
  throw std::runtime_error("array '" + name + "' " + what);
}

std::uint64_t natural(const json& value, const std::string& name, const char* what) {
  if (!value.is_number_unsigned()) bad(name, std::string(what) + " is not a whole number");
  return value.get<std::uint64_t>();
}

/// Elements times size, or throws when that does not fit the file.
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

Entry read_entry(const std::string& name, const json& value, std::uint64_t data_bytes) {
  if (!value.is_object()) bad(name, "is not an object");
  for (const auto& item : value.items())
    if (item.key() != "dtype" && item.key() != "shape" && item.key() != "data_offsets")
      bad(name, "has the unknown field " + item.key());
  Entry entry{name, {}, 0, 0};
  const auto type = element_type(value.at("dtype").get<std::string>());
  if (!type) {
    bad(name, "has elements of type " + value.at("dtype").get<std::string>() +
                  "; F32, F16, BF16 and I64 are read");
  }
  entry.array.type = *type;
  if (!value.at("shape").is_array()) bad(name, "has no shape");
  if (value.at("shape").size() > 8) bad(name, "has more than 8 axes");
  for (const json& extent : value.at("shape")) {
    const std::uint64_t n = natural(extent, name, "an extent");
    if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      bad(name, "has an extent that is too large");
    entry.array.shape.push_back(static_cast<std::int64_t>(n));
  }
  const json& range = value.at("data_offsets");
  if (!range.is_array() || range.size() != 2) bad(name, "has no pair of data_offsets");
  entry.begin = natural(range[0], name, "an offset");
  entry.end = natural(range[1], name, "an offset");
  if (entry.begin > entry.end || entry.end > data_bytes) bad(name, "lies outside the file");
  if (bytes_of(entry.array, name, data_bytes) != entry.end - entry.begin)
    bad(name, "has a shape that does not fill its range");
  return entry;
}

/// Ranges must tile the data exactly: no overlap, no hole, nothing behind the last.
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
                             " bytes, its header tells of " + std::to_string(at));
}

json parse_header(std::string_view text) {
  int depth = 0;
  // Depth 3 is all that the format needs; the limit keeps the parser's stack from growing.
  const auto shallow = [&depth](int, json::parse_event_t event, json&) {
    if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
      if (++depth > 4) throw std::runtime_error("its header is nested too deep");
    } else if (event == json::parse_event_t::object_end ||
               event == json::parse_event_t::array_end) {
      --depth;
    }
    return true;
  };
  json header = json::parse(text.begin(), text.end(), shallow);
  if (!header.is_object()) throw std::runtime_error("its header is not an object");
  return header;
}

void write_all(int fd, const void* data, std::size_t size) {
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t wrote = ::write(fd, at, size);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) throw std::runtime_error("cannot be written: " + errno_text());
    at += wrote;
    size -= static_cast<std::size_t>(wrote);
  }
}

std::string make_header(const std::map<std::string, ArrayView>& arrays,
                        const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t at = 0;
  for (const auto& [name, array] : arrays) {
    if (name == "__metadata__") bad(name, "has a reserved name");
    const std::uint64_t bytes =
        bytes_of(array, name, std::numeric_limits<std::uint64_t>::max() / 2);
    if (bytes != array.bytes.size()) bad(name, "has a shape that does not fill its bytes");
    header[name] = {{"dtype", to_string(array.type)},
                    {"shape", array.shape},
                    {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data start at a multiple of eight
  return text;
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
  }
  return "";
}

SafetensorsFile::SafetensorsFile(SafetensorsFile&& other) noexcept { *this = std::move(other); }

SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&& other) noexcept {
  std::swap(map_, other.map_);
  std::swap(map_bytes_, other.map_bytes_);
  arrays_.swap(other.arrays_);
  metadata_.swap(other.metadata_);
  return *this;
}

SafetensorsFile::~SafetensorsFile() {
  if (map_ != nullptr) ::munmap(map_, map_bytes_);
}

Expected<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  return guard(Errc::model_failure, path, [&] {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) throw std::runtime_error("cannot be opened: " + errno_text());
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
      throw std::runtime_error("is not a regular file");
    const auto file_bytes = static_cast<std::uint64_t>(info.st_size);
    if (file_bytes < 8) throw std::runtime_error("is too short for a safetensors file");

    SafetensorsFile file;
    void* map = ::mmap(nullptr, file_bytes, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (map == MAP_FAILED) throw std::runtime_error("cannot be mapped: " + errno_text());
    file.map_ = map;
    file.map_bytes_ = file_bytes;
    const auto* bytes = static_cast<const std::byte*>(map);

    std::uint64_t header_bytes = 0;  // little-endian, as every machine that this runs on
    std::memcpy(&header_bytes, bytes, sizeof header_bytes);
    if (header_bytes > kHeaderBytesMax || header_bytes > file_bytes - 8)
      throw std::runtime_error("its header is longer than the file or than 64 MiB");
    const json header = parse_header({reinterpret_cast<const char*>(bytes) + 8, header_bytes});
    const std::byte* data = bytes + 8 + header_bytes;
    const std::uint64_t data_bytes = file_bytes - 8 - header_bytes;

    std::vector<Entry> entries;
    for (const auto& item : header.items()) {
      if (item.key() == "__metadata__") {
        file.metadata_ = item.value().get<std::map<std::string, std::string>>();
      } else {
        entries.push_back(read_entry(item.key(), item.value(), data_bytes));
      }
    }
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
  const std::string temporary = path + ".partial";
  Status written = guard(Errc::environment, path, [&] {
    const std::string header = make_header(arrays, metadata);
    const std::uint64_t header_bytes = header.size();
    const Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (fd.get() < 0) throw std::runtime_error("cannot be made: " + errno_text());
    write_all(fd.get(), &header_bytes, sizeof header_bytes);
    write_all(fd.get(), header.data(), header.size());
    for (const auto& item : arrays)
      write_all(fd.get(), item.second.bytes.data(), item.second.bytes.size());
    if (::fsync(fd.get()) != 0) throw std::runtime_error("cannot be synced: " + errno_text());
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      throw std::runtime_error("cannot be renamed into place: " + errno_text());
  });
  if (!written) ::unlink(temporary.c_str());
  return written;
}

}  // namespace photoscribe
