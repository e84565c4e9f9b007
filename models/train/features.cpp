#include "models/train/features.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <utility>

#include "common/core/file_descriptor.h"
#include "common/core/fnv1a.h"
#include "common/image/photo.h"
#include "models/encoder/fast_encoder.h"
#include "models/train/augment.h"
#include "models/train/loss/mixed.h"
#include "models/train/progress/progress_line.h"
#include "models/train/progress/stop.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kBatch = 16;    // photos per pass: larger ones gain nothing on a CPU
constexpr std::int64_t kPart = 1'024;  // photos per file

std::vector<std::uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// What all features depend on besides the photos: the encoder's first layers, the preprocessing.
Fnv1a hash_of(const CachedFeatures& wanted) {
  Fnv1a hash;
  for (const auto& [name, tensor] : wanted.head.parameters()) {
    const torch::Tensor plain = tensor.detach().contiguous();
    hash.add(name);
    hash.add(plain.data_ptr(), plain.nbytes());
  }
  for (const auto& three : {wanted.model.mean, wanted.model.std})
    for (const double value : three) hash.add(std::to_string(value));
  hash.add(std::to_string(wanted.model.input_side_px));
  hash.add(std::to_string(kPreprocessingVersion));
  if (wanted.precision != Precision::float32) hash.add(std::string(to_string(wanted.precision)));
  return hash;
}

/// A key of what the features of some photos were made from.
std::string cache_key(Fnv1a hash, std::span<const std::string> paths) {
  for (const std::string& path : paths) {
    const auto bytes = read_bytes(path);
    hash.add(bytes.data(), bytes.size());
  }
  return "photoscribe features 3 " + hash.text();
}

/// The same for unchanged files, without reading them: if two of these keys are equal, so are the
/// other keys.
std::string untouched_key(Fnv1a hash, std::span<const std::string> paths) {
  for (const std::string& path : paths) {
    struct stat now {};
    const bool exists = ::stat(path.c_str(), &now) == 0;
    hash.add(path);
    const std::int64_t state[] = {exists ? now.st_size : -1, now.st_mtim.tv_sec,
                                  now.st_mtim.tv_nsec, now.st_ctim.tv_sec, now.st_ctim.tv_nsec};
    hash.add(state, sizeof state);
  }
  return "untouched " + hash.text();
}

std::int64_t bytes_of(const std::vector<std::int64_t>& shape) {
  return shape[0] * shape[1] * shape[2] * 2;
}

std::string part_path(const std::string& file, std::int64_t view, std::int64_t part) {
  return file + "." + std::to_string(view) + "." + std::to_string(part);
}

/// Of the features of `photos` photos.
std::vector<std::int64_t> shape_of(const CachedFeatures& wanted, std::int64_t photos) {
  const std::int64_t side = grid_side(wanted.head.layers(), wanted.model.input_side_px);
  return {photos, side * side, feature_channels(wanted.head.layers())};
}

std::runtime_error disk_error(const std::string& path, int why) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);  // it may take all the space that was left
  return std::runtime_error(std::string(std::strerror(why)) +
                            "; make room there, or name a folder on another disk with --features, "
                            "and start again: complete files of features are kept");
}

/// (photos, L, C) half over a file of that size, mapped into memory.
torch::Tensor map_file(const std::string& path, const std::vector<std::int64_t>& shape, bool make) {
  const auto bytes = static_cast<std::size_t>(bytes_of(shape));
  const FileDescriptor file(
      ::open(path.c_str(), (make ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC, 0644));
  if (!file.valid())
    throw std::runtime_error(std::string("cannot be opened: ") + std::strerror(errno));
  // Allocated at once: a write to a hole on a full disk would end the process with SIGBUS.
  const int full = make ? ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)) : 0;
  void* data = full != 0 ? MAP_FAILED
                         : ::mmap(nullptr, bytes, make ? PROT_READ | PROT_WRITE : PROT_READ,
                                  MAP_SHARED, file.get(), 0);
  if (full != 0) throw disk_error(path, full);
  if (data == MAP_FAILED)
    throw std::runtime_error(std::string("cannot be mapped: ") + std::strerror(errno));
  return torch::from_blob(
      data, shape, [bytes](void* mapped) { ::munmap(mapped, bytes); }, torch::kFloat16);
}

/// The contents of the text file beside a view.
struct Note {
  std::string key, untouched;  // what it was made from
  std::vector<bool> usable;    // which photos decoded
};

/// Nothing when there is none, or one for another number of photos.
std::optional<Note> read_note(const std::string& path, std::size_t photos) {
  Note note;
  std::string flags;
  std::ifstream in(path);
  if (!std::getline(in, note.key) || !std::getline(in, flags) || flags.size() != photos)
    return std::nullopt;
  std::getline(in, note.untouched);  // earlier versions had none
  for (const char flag : flags) note.usable.push_back(flag == '1');
  return note;
}

void write_note(const std::string& path, const Note& note) {
  std::ofstream out(path, std::ios::trunc);
  out << note.key << '\n';
  for (const bool one : note.usable) out << (one ? '1' : '0');
  out << '\n' << note.untouched << '\n';
  if (!out.flush()) throw disk_error(path, errno);
}

/// The keys of a part of the photos. The photos are read only when key() is called.
class PartKey {
 public:
  PartKey(Fnv1a made_of, std::span<const std::string> paths)
      : made_of_(made_of), paths_(paths), untouched_(untouched_key(made_of, paths)) {}

  [[nodiscard]] const std::string& untouched() const noexcept { return untouched_; }
  [[nodiscard]] const std::string& key() {
    if (key_.empty()) key_ = cache_key(made_of_, paths_);
    return key_;
  }

 private:
  Fnv1a made_of_;
  std::span<const std::string> paths_;
  std::string untouched_, key_;
};

/// The note of a view that is complete and of these photos; rewritten when the photos were touched
/// but are the same.
std::optional<Note> whole_note(const std::string& path, PartKey& part, const std::string& seen_as,
                               std::size_t photos) {
  auto note = read_note(path, photos);
  if (!note || note->untouched == part.untouched() + seen_as) return note;
  if (note->key != part.key() + seen_as) return std::nullopt;
  note->untouched = part.untouched() + seen_as;
  write_note(path, *note);
  return note;
}

/// Fills `features` with view `number` of the photos, the first of which is photo `offset` of all;
/// returns which decoded. Calls `progress` with how many of them are done. Nothing when it was
/// asked to stop.
std::optional<std::vector<bool>> encode_view(const torch::Tensor& features,
                                             std::span<const std::string> paths,
                                             std::int64_t offset, const CachedFeatures& wanted,
                                             const FastEncoder& encoder, std::int64_t number,
                                             const std::function<void(std::int64_t)>& progress) {
  const std::int64_t photos = features.size(0), side = wanted.model.input_side_px;
  std::vector<bool> usable(paths.size(), false);
  for (std::int64_t first = 0; first < photos; first += kBatch) {
    if (stop_requested()) return std::nullopt;
    const std::int64_t last = std::min(photos, first + kBatch);
    torch::Tensor images = at::zeros({last - first, side, side, 3});
    for (std::int64_t i = first; i < last; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const auto image =
          read_view(paths[at], cached_view(offset + i, number, wanted.mirror), wanted.model);
      usable[at] = image.has_value();
      if (image) images[i - first].copy_(image->permute({1, 2, 0}));
    }
    features.narrow(0, first, last - first).copy_(encoder.forward(images));
    progress(last);
  }
  return usable;
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

FeatureSpace space_of(const std::string& file, std::int64_t photos, const CachedFeatures& wanted) {
  FeatureSpace space;
  for (std::int64_t first = 0; first < photos; first += kPart) {
    const std::int64_t bytes = bytes_of(shape_of(wanted, std::min(kPart, photos - first)));
    for (std::int64_t view = 0; view < wanted.views; ++view) {
      struct stat now {};
      const bool exists = ::stat(part_path(file, view, first / kPart).c_str(), &now) == 0;
      space.all += bytes;
      space.missing += std::max<std::int64_t>(0, bytes - (exists ? now.st_blocks * 512 : 0));
    }
  }
  return space;
}

Expected<std::string> check_space(const std::string& folder, const FeatureSpace& space,
                                  std::int64_t free_bytes) {
  const auto gigabytes = [](std::int64_t bytes) {
    const bool small = bytes < 100'000'000;
    return fmt::format("{:.1f} {}", static_cast<double>(bytes) / (small ? 1e6 : 1e9),
                       small ? "MB" : "GB");
  };
  const std::string needed = gigabytes(space.all) + " in " + folder;
  if (space.missing == 0) return needed + ", all of it there";
  const std::string missing =
      gigabytes(space.missing) + " still to be computed, " + gigabytes(free_bytes) + " free";
  if (space.missing < free_bytes) return needed + ", " + missing;
  return fail(Errc::environment, folder + ": the features take " +
                                     needed.substr(0, needed.find(" in ")) + ", " + missing +
                                     ": make room, name a folder on a larger disk with --features, "
                                     "or use fewer --views or a smaller --side");
}

Status report_space(const std::string& folder, CachedFeatures cached,
                    const std::vector<FeatureFile>& files) {
  FeatureSpace sum;
  for (const FeatureFile& file : files) {
    cached.views = file.views;
    const FeatureSpace one = space_of(folder + file.name, file.photos, cached);
    sum.all += one.all;
    sum.missing += one.missing;
  }
  std::error_code failed;
  const auto disk = std::filesystem::space(folder, failed);
  const auto summary =
      check_space(folder, sum, failed ? INT64_MAX : static_cast<std::int64_t>(disk.available));
  if (!summary) return fail(summary.error());
  std::fprintf(stderr, "features: %s\n", summary->c_str());
  return {};
}

Expected<FeatureCache> FeatureCache::open_or_make(const std::string& file,
                                                  const std::vector<std::string>& paths,
                                                  const CachedFeatures& wanted,
                                                  const ProgressCallback& progress) {
  bool stopped = false;
  auto made = guard(Errc::environment, file, [&] {
    const torch::NoGradGuard no_grad;
    const auto photos = static_cast<std::int64_t>(paths.size());
    const Fnv1a made_of = hash_of(wanted);
    std::optional<FastEncoder> encoder;
    FeatureCache cache;
    cache.views_.resize(static_cast<std::size_t>(wanted.views));
    for (std::int64_t first = 0; first < photos && !stopped; first += kPart) {
      const auto part =
          std::span(paths).subspan(static_cast<std::size_t>(first),
                                   static_cast<std::size_t>(std::min(kPart, photos - first)));
      const auto count = static_cast<std::int64_t>(part.size());
      const auto shape = shape_of(wanted, count);
      PartKey key(made_of, part);
      std::vector<bool> usable;
      for (std::int64_t number = 0; number < wanted.views && !stopped; ++number) {
        const std::string path = part_path(file, number, first / kPart), note = path + ".key",
                          seen_as = wanted.mirror && number > 0 ? " mirror" : "";
        FeatureCache::View& view = cache.views_[static_cast<std::size_t>(number)];
        if (auto found = whole_note(note, key, seen_as, part.size())) {
          view.push_back(map_file(path, shape, false));
          usable = std::move(found->usable);
          continue;
        }
        std::filesystem::remove(note);
        if (!encoder) encoder.emplace(wanted.head, wanted.model.input_side_px, wanted.precision);
        view.push_back(map_file(path, shape, true));
        const torch::Tensor& all = view.back();
        const auto decoded =
            encode_view(all, part, first, wanted, *encoder, number, [&](std::int64_t done) {
              progress(first * wanted.views + number * count + done, photos * wanted.views);
            });
        stopped = !decoded;
        if (stopped) break;
        usable = *decoded;
        if (::msync(all.data_ptr(), all.nbytes(), MS_SYNC) != 0)
          throw std::runtime_error(std::string("cannot be written: ") + std::strerror(errno));
        write_note(note, {key.key() + seen_as, key.untouched() + seen_as, usable});
      }
      cache.usable_.insert(cache.usable_.end(), usable.begin(), usable.end());
    }
    return cache;
  });
  if (stopped)
    return fail(Errc::cancelled,
                "stopped while making " + file + ", whose complete files are kept");
  return made;
}

torch::Tensor FeatureCache::get(const std::vector<std::int64_t>& which,
                                const std::vector<std::int64_t>& view) const {
  const torch::Tensor& some = views_.front().front();
  auto features = at::empty({static_cast<std::int64_t>(which.size()), some.size(1), some.size(2)});
  for (std::size_t k = 0; k < which.size(); ++k) {
    const View& parts = views_.at(view.empty() ? 0 : static_cast<std::size_t>(view[k]));
    features.select(0, static_cast<std::int64_t>(k))
        .copy_(parts.at(static_cast<std::size_t>(which[k] / kPart)).select(0, which[k] % kPart));
  }
  return features;
}

FeatureCache::ProgressCallback feature_progress(const std::string& what) {
  return [line = ProgressLine("features of " + what + " photos", "photos")](
             std::int64_t done, std::int64_t all) mutable { line.update(done, all); };
}

torch::Tensor finish_encoding(const Encoder& encoder, const std::string& block,
                              const torch::Tensor& cached) {
  if (block.empty()) return cached;
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(cached.size(1))));
  return encoder.after(block)
      .forward(cached.unflatten(1, {side, side}).permute({0, 3, 1, 2}),  // channels last already
               {}, uses_bfloat16() ? mixed_linear : Encoder::Product())
      .flatten(2)
      .transpose(1, 2)
      .contiguous();
}

}  // namespace photoscribe
