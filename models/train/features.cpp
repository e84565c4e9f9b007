#include "models/train/features.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include "common/image/photo.h"
#include "models/fast_encoder.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kBatch = 16;  // photos a pass: larger ones gain nothing on a CPU

class Fnv1a {
 public:
  void add(const void* data, std::size_t size) {
    const auto* at = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) hash_ = (hash_ ^ at[i]) * 1'099'511'628'211ULL;
  }
  void add(const std::string& text) { add(text.c_str(), text.size() + 1); }
  [[nodiscard]] std::string text() const { return std::to_string(hash_); }

 private:
  std::uint64_t hash_ = 14'695'981'039'346'656'037ULL;
};

std::vector<std::uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Names what a cache was made of: encoder, pixels' rule, every photo's name, size and time.
std::string cache_key(const std::vector<std::string>& paths, const std::string& encoder_file,
                      const ModelArchitecture& model, bool mirrored) {
  Fnv1a hash;
  const auto bytes = read_bytes(encoder_file);
  hash.add(bytes.data(), bytes.size());
  hash.add(model.encoder);
  for (const auto& three : {model.mean, model.std})
    for (const double value : three) hash.add(std::to_string(value));
  hash.add(std::to_string(model.input_side_px));
  hash.add(std::to_string(kPreprocessingVersion) + (mirrored ? " mirrored" : ""));
  for (const std::string& path : paths) {
    std::error_code ignored;
    hash.add(path);
    hash.add(std::to_string(std::filesystem::file_size(path, ignored)));
    const auto time = std::filesystem::last_write_time(path, ignored).time_since_epoch().count();
    hash.add(&time, sizeof time);
  }
  return "photoscribe features 1 " + hash.text();
}

struct Mapping {
  void* data = nullptr;
  std::size_t bytes = 0;
};

Mapping map_file(const std::string& path, std::size_t bytes, bool make) {
  const int fd =
      ::open(path.c_str(), (make ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC, 0644);
  if (fd < 0) throw std::runtime_error(std::string("cannot be opened: ") + std::strerror(errno));
  // Allocated at once: a write to a hole on a full disk would end the process with SIGBUS.
  const int full = make ? ::posix_fallocate(fd, 0, static_cast<off_t>(bytes)) : 0;
  void* data = full != 0 ? MAP_FAILED
                         : ::mmap(nullptr, bytes, make ? PROT_READ | PROT_WRITE : PROT_READ,
                                  MAP_SHARED, fd, 0);
  const int why = full != 0 ? full : errno;
  ::close(fd);
  if (data == MAP_FAILED) throw std::runtime_error("no room: " + std::string(std::strerror(why)));
  return {data, bytes};
}

}  // namespace

std::optional<DecodedImage> read_photo(const std::string& path, int side_px) {
  const auto bytes = read_bytes(path);
  auto photo = decode_for_network(bytes, side_px, DecodeLimits{});
  if (photo) return std::move(*photo);
  std::cerr << "warning: " << path << ": " << to_string(photo.error().reason) << ": "
            << photo.error().detail << "; left out\n";
  return std::nullopt;
}

torch::Tensor normalise(const DecodedImage& photo, const ModelArchitecture& model) {
  void* data = const_cast<std::uint8_t*>(photo.pixels.data());
  const auto bytes = torch::from_blob(data, {photo.height_px, photo.width_px, 3}, torch::kUInt8);
  const auto floats = [](const std::array<double, 3>& v) {
    return at::tensor({v[0], v[1], v[2]}).to(torch::kFloat32);
  };
  return bytes.to(torch::kFloat32)
      .div_(255)
      .sub_(floats(model.mean))
      .div_(floats(model.std))
      .permute({2, 0, 1});
}

Expected<FeatureCache> FeatureCache::open_or_make(
    const std::string& file, const std::vector<std::string>& paths, const Encoder& encoder,
    const std::string& encoder_file, const ModelArchitecture& model, bool mirrored,
    const std::function<void(std::int64_t, std::int64_t)>& progress) {
  return guard(Errc::environment, file, [&] {
    const torch::NoGradGuard no_grad;
    const std::int64_t side = model.input_side_px / 32, positions = side * side;
    const std::int64_t copies = mirrored ? 2 : 1, photos = static_cast<std::int64_t>(paths.size());
    const std::int64_t channels = model.feature_channels;
    const auto bytes = static_cast<std::size_t>(photos * copies * positions * channels * 2);
    const std::string key = cache_key(paths, encoder_file, model, mirrored);
    const std::string note = file + ".key";

    FeatureCache cache;
    cache.mirrored_ = mirrored;
    std::string found, flags;
    if (std::ifstream in(note); in && std::getline(in, found) && std::getline(in, flags) &&
                                found == key && flags.size() == paths.size()) {
      const Mapping map = map_file(file, bytes, false);
      cache.map_ = map.data;
      cache.map_bytes_ = map.bytes;
      for (const char flag : flags) cache.usable_.push_back(flag == '1');
    } else {
      std::filesystem::remove(note);
      const Mapping map = map_file(file, bytes, true);
      cache.map_ = map.data;
      cache.map_bytes_ = map.bytes;
      cache.usable_.assign(paths.size(), false);
    }
    cache.all_ =
        torch::from_blob(cache.map_, {photos, copies, positions, channels}, torch::kFloat16);
    if (found == key) return cache;

    const FastEncoder fast(encoder, model.input_side_px);
    for (std::int64_t first = 0; first < photos; first += kBatch) {
      const std::int64_t last = std::min(photos, first + kBatch), s = model.input_side_px;
      torch::Tensor images = at::zeros({last - first, s, s, 3});
      for (std::int64_t i = first; i < last; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const auto photo = read_photo(paths[at], model.input_side_px);
        cache.usable_[at] = photo.has_value();
        if (photo) images[i - first].copy_(normalise(*photo, model).permute({1, 2, 0}));
      }
      for (std::int64_t copy = 0; copy < copies; ++copy) {
        const torch::Tensor shown = copy == 0 ? images : images.flip({2}).contiguous();
        cache.all_.select(1, copy).narrow(0, first, last - first).copy_(fast.forward(shown));
      }
      progress(last, photos);
    }
    if (::msync(cache.map_, cache.map_bytes_, MS_SYNC) != 0)
      throw std::runtime_error(std::string("cannot be written: ") + std::strerror(errno));
    std::ofstream out(note, std::ios::trunc);
    out << key << '\n';
    for (const bool usable : cache.usable_) out << (usable ? '1' : '0');
    out << '\n';
    if (!out.flush()) throw std::runtime_error("cannot be written");
    return cache;
  });
}

FeatureCache::FeatureCache(FeatureCache&& other) noexcept
    : map_(std::exchange(other.map_, nullptr)),
      map_bytes_(other.map_bytes_),
      mirrored_(other.mirrored_),
      all_(std::move(other.all_)),
      usable_(std::move(other.usable_)) {}

FeatureCache::~FeatureCache() {
  if (map_ != nullptr) ::munmap(map_, map_bytes_);
}

torch::Tensor FeatureCache::get(const std::vector<std::int64_t>& which,
                                const std::vector<bool>& mirror) const {
  auto features = at::empty({static_cast<std::int64_t>(which.size()), all_.size(2), all_.size(3)});
  for (std::size_t k = 0; k < which.size(); ++k) {
    const std::int64_t copy = mirrored_ && mirror[k] ? 1 : 0;
    features.select(0, static_cast<std::int64_t>(k))
        .copy_(all_.select(0, which[k]).select(0, copy));
  }
  return features;
}

}  // namespace photoscribe
