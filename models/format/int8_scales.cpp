#include "models/format/int8_scales.h"

#include <cmath>
#include <cstring>
#include <filesystem>

#include "common/core/sha256.h"
#include "models/format/safetensors.h"

namespace photoscribe {
namespace {

constexpr const char* kPhotos = "photos";
constexpr const char* kKind = "photoscribe int8 scales 1";

/// Over the model's hash and every name and number: a flipped bit changes no size.
std::string checksum_of(const std::string& model, const std::map<std::string, float>& numbers) {
  Sha256 hash;
  hash.add(model.data(), model.size());
  for (const auto& [name, scale] : numbers) {
    hash.add(name.c_str(), name.size() + 1);
    hash.add(&scale, sizeof scale);
  }
  return to_hex(hash.digest());
}

std::string entry(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? std::string() : found->second;
}

}  // namespace

Expected<Int8Scales> read_int8_scales(const std::string& folder, const std::string& model) {
  const std::string path = folder + "/" + kInt8File;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return Int8Scales{};
  const auto refuse = [&path, &folder](const std::string& why) {
    return fail(Errc::model_failure, path + ": " + why +
                                         "; make it again with photoscribe-train quantize " +
                                         folder + " --photos DIR");
  };
  const auto file = SafetensorsFile::open(path);
  if (!file) return refuse(file.error().message);
  if (entry(*file, "format") != kKind) return refuse("not a file of scales for int8");
  std::map<std::string, float> numbers;
  for (const auto& [name, array] : file->arrays()) {
    float scale = 0;
    if (array.type != ElementType::f32 || array.bytes.size() != sizeof scale)
      return refuse("array '" + name + "' is not one number");
    std::memcpy(&scale, array.bytes.data(), sizeof scale);
    if (!(std::isfinite(scale) && scale > 0))
      return refuse("array '" + name + "' is not a number above zero");
    numbers.emplace(name, scale);
  }
  const std::string made_for = entry(*file, "model");
  if (checksum_of(made_for, numbers) != entry(*file, "sha256"))
    return refuse("it is damaged: its checksum does not match");
  if (made_for != model) return refuse("it was made for other weights");
  const auto photos = numbers.find(kPhotos);
  if (photos == numbers.end() || numbers.size() < 2) return refuse("scales are missing");
  Int8Scales scales;
  scales.photos = photos->second;
  numbers.erase(photos);
  scales.by_layer = std::move(numbers);
  return scales;
}

Status write_int8_scales(const std::string& folder, const std::string& model,
                         const Int8Scales& scales) {
  std::map<std::string, float> numbers = scales.by_layer;
  numbers.emplace(kPhotos, scales.photos);
  std::map<std::string, ArrayView> arrays;
  for (const auto& [name, scale] : numbers)
    arrays.emplace(name, ArrayView{ElementType::f32, {1}, std::as_bytes(std::span(&scale, 1))});
  return write_safetensors(
      folder + "/" + kInt8File, arrays,
      {{"format", kKind}, {"model", model}, {"sha256", checksum_of(model, numbers)}});
}

}  // namespace photoscribe
