#include "models/train/import/torch_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include "models/train/import/zip_entries.h"

namespace photoscribe {
namespace {

using Id = Pickle::Id;
using Kind = Pickle::Kind;

// The pickle of the number 0x1950a86a20f9469cfc6c, at the start of files of PyTorch before 1.6.
constexpr std::string_view kOldMagic{
    "\x80\x02\x8a\nl\xfc\x9c"
    "F\xf9 j\xa8P\x19.",
    15};
constexpr std::int64_t kOldVersion = 1001;

/// How a persistent node describes a storage: ('storage', type, key, device, elements[, view]).
struct StorageName {
  std::string_view type, key;
  std::int64_t view_first = 0, view_size = -1;  // in elements; below 0: all of it
};

std::optional<StorageName> storage_name(const Pickle& p, Id id) {
  if (!p.is(id, Kind::persistent)) return std::nullopt;
  const std::vector<Id>& parts = p.items(p.at(id).arguments);
  if (parts.size() < 5 || !p.is(parts[0], Kind::text) || p.at(parts[0]).text != "storage" ||
      !p.is(parts[2], Kind::text))
    return std::nullopt;
  const std::string_view type = p.name_of(parts[1]);
  constexpr std::string_view kEnding = "Storage";
  const std::size_t space = type.find(' ');
  if (space == std::string_view::npos || !type.starts_with("torch") || !type.ends_with(kEnding))
    return std::nullopt;
  StorageName name{type.substr(space + 1), p.at(parts[2]).text, 0, -1};
  name.type.remove_suffix(kEnding.size());
  if (parts.size() > 5 && p.items(parts[5]).size() == 3) {  // (key, first, elements) of the storage
    const std::vector<Id>& view = p.items(parts[5]);
    if (!p.is(view[1], Kind::number) || !p.is(view[2], Kind::number)) return std::nullopt;
    name.view_first = p.at(view[1]).number;
    name.view_size = p.at(view[2]).number;
  }
  return name;
}

void refuse_big_endian(bool little) {
  if (!little)
    throw std::runtime_error("its numbers are big-endian; save it again on another machine");
}

}  // namespace

std::size_t torch_element_bytes(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 10> kTypes{{{"Float", 4},
                                                                             {"Half", 2},
                                                                             {"Double", 8},
                                                                             {"BFloat16", 2},
                                                                             {"Long", 8},
                                                                             {"Int", 4},
                                                                             {"Short", 2},
                                                                             {"Char", 1},
                                                                             {"Byte", 1},
                                                                             {"Bool", 1}}};
  for (const auto& [name, bytes] : kTypes)
    if (name == type) return bytes;
  throw std::runtime_error("a storage of type " + std::string(type));
}

TorchFile TorchFile::read_zip(std::string_view bytes) {
  const auto entries = zip_entries(bytes);
  constexpr std::string_view kProgram = "data.pkl";
  for (const auto& [name, content] : entries) {
    if (name != kProgram && !name.ends_with("/data.pkl")) continue;
    if (std::count(name.begin(), name.end(), '/') > 1) continue;  // an archive in the archive
    const std::string folder = name.substr(0, name.size() - kProgram.size());
    const auto order = entries.find(folder + "byteorder");
    refuse_big_endian(order == entries.end() || order->second != "big");
    TorchFile file(Pickle::read(content));
    const std::string data = folder + "data/";
    for (auto next = entries.lower_bound(data);
         next != entries.end() && next->first.starts_with(data); ++next)
      file.storages_.emplace(next->first.substr(data.size()), next->second);
    return file;
  }
  throw std::runtime_error("a zip file not written by torch.save: it has no data.pkl");
}

TorchFile TorchFile::read_old(std::string_view bytes) {
  bytes.remove_prefix(kOldMagic.size());
  const auto next = [&bytes] {
    Pickle one = Pickle::read(bytes);
    bytes.remove_prefix(one.size());
    return one;
  };
  const Pickle version = next();
  if (!version.is(version.root(), Kind::number) || version.at(version.root()).number != kOldVersion)
    throw std::runtime_error("a file of an unknown version of torch.save");
  const Pickle system = next();
  const auto little = system.find(system.root(), "little_endian");
  refuse_big_endian(!little || system.at(*little).number != 0);
  TorchFile file(next());
  std::map<std::string_view, std::string_view> types;  // of each storage
  for (std::size_t id = 0; id < file.pickle_.nodes(); ++id)
    if (const auto name = storage_name(file.pickle_, static_cast<Id>(id)))
      types.emplace(name->key, name->type);
  const Pickle keys = next();
  for (const Id key : keys.items(keys.root())) {
    if (!keys.is(key, Kind::text)) throw std::runtime_error("a storage's key is not text");
    const auto type = types.find(keys.at(key).text);
    std::uint64_t count = 0;
    if (bytes.size() < sizeof count) throw std::runtime_error("it is cut short; download it again");
    std::memcpy(&count, bytes.data(), sizeof count);
    bytes.remove_prefix(sizeof count);
    if (type == types.end()) throw std::runtime_error("a storage that no tensor uses");
    const std::uint64_t size = torch_element_bytes(type->second);
    if (count > bytes.size() / size) throw std::runtime_error("it is cut short; download it again");
    file.storages_.emplace(keys.at(key).text, bytes.substr(0, count * size));
    bytes.remove_prefix(count * size);
  }
  return file;
}

TorchFile TorchFile::read(std::string_view bytes) {
  if (bytes.starts_with("PK")) return read_zip(bytes);
  if (bytes.starts_with(kOldMagic)) return read_old(bytes);
  return TorchFile(Pickle::read(bytes));
}

TorchStorage TorchFile::storage(Pickle::Id id) const {
  const auto name = storage_name(pickle_, id);
  if (!name) throw std::runtime_error("a tensor of something that is not a storage");
  const auto found = storages_.find(name->key);
  if (found == storages_.end())
    throw std::runtime_error("the storage " + std::string(name->key) + " is missing");
  TorchStorage storage{std::string(name->type), found->second};
  const std::size_t size = torch_element_bytes(storage.type);
  if (name->view_size >= 0) {
    const std::uint64_t count = storage.bytes.size() / size;
    const auto first = static_cast<std::uint64_t>(name->view_first),
               length = static_cast<std::uint64_t>(name->view_size);
    if (name->view_first < 0 || first > count || length > count - first)
      throw std::runtime_error("the storage " + std::string(name->key) +
                               " is shorter than its view");
    storage.bytes = storage.bytes.substr(first * size, length * size);
  }
  return storage;
}

}  // namespace photoscribe
