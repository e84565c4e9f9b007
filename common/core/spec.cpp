#include "common/core/spec.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace photoscribe {
namespace {

using nlohmann::json;

/// Reads named fields of one JSON object and remembers which names it knows. Throws; parse_spec
/// guards.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {
    if (!object.is_object()) throw std::runtime_error("not an object");
  }
  template <class T>
  T number(const char* name, T low, T high) {
    const json& value = at(name);
    if (std::is_integral_v<T> ? !value.is_number_integer() : !value.is_number())
      bad(name, "not a number");
    const T got = value.get<T>();
    if (!(got >= low && got <= high)) bad(name, "out of range");
    return got;
  }
  std::string text(const char* name, std::size_t size_max) {
    std::string value = at(name).get<std::string>();
    if (value.size() > size_max) bad(name, "too long");
    return value;
  }
  const json& at(const char* name) {
    known_.insert(name);
    if (!object_.contains(name)) bad(name, "is missing");
    return object_.at(name);
  }
  void reject_unknown() const {
    for (const auto& item : object_.items()) {
      if (!known_.contains(item.key())) throw std::runtime_error("unknown field " + item.key());
    }
  }

 private:
  [[noreturn]] static void bad(const char* name, const char* what) {
    throw std::runtime_error(std::string(name) + " " + what);
  }
  const json& object_;
  std::set<std::string> known_;
};

BlurSettings read_blur(const json& object) {
  Fields in(object);
  BlurSettings blur;
  const Expected<BlurMode> mode = blur_mode_from_string(in.text("mode", 32));
  if (!mode) throw std::runtime_error(mode.error().message);
  blur.mode = *mode;
  blur.blur_threshold = in.number("blur_threshold", 0.0, 1e12);
  blur.normalised_side_px = in.number("normalised_side_px", 16, 65'535);
  blur.tile_px = in.number("tile_px", 16, 65'535);
  in.reject_unknown();
  return blur;
}

SearchSettings read_search(const json& object) {
  Fields in(object);
  SearchSettings search;
  search.beam = in.number("beam", 1, 64);
  search.length_alpha = in.number("length_alpha", 0.0, 10.0);
  search.tokens_max = in.number("tokens_max", 1, 256);
  in.reject_unknown();
  return search;
}

DecodeLimits read_limits(const json& object) {
  Fields in(object);
  DecodeLimits limits;
  limits.pixels_max = in.number<std::int64_t>("pixels_max", 1, 1LL << 32);
  limits.file_bytes_max = in.number<std::int64_t>("file_bytes_max", 1, 1LL << 40);
  limits.image_timeout_s = in.number("image_timeout_s", 1, 86'400);
  in.reject_unknown();
  return limits;
}

LeaseSettings read_lease(const json& object) {
  Fields in(object);
  LeaseSettings lease;
  lease.lease_ms = in.number("lease_ms", 20, 86'400'000);
  lease.beat_ms = in.number("beat_ms", 1, 86'400'000);
  lease.max_deliveries = in.number("max_deliveries", 1, 1'000);
  in.reject_unknown();
  return lease;
}

}  // namespace

std::string_view to_string(BlurMode mode) noexcept {
  switch (mode) {
    case BlurMode::normalised:
      return "normalised";
    case BlurMode::tile_max:
      return "tile_max";
    case BlurMode::edges:
      return "edges";
    case BlurMode::learned:
      return "learned";
    case BlurMode::full:
      break;
  }
  return "full";
}

Expected<BlurMode> blur_mode_from_string(std::string_view name) {
  for (const BlurMode mode : kBlurModes) {
    if (name == to_string(mode)) return mode;
  }
  return fail(Errc::invalid_config, "blur mode \"" + std::string(name) +
                                        "\": choose full, normalised, tile_max, edges or learned");
}

std::string to_json(const RunSpec& spec) {
  const json object{{"protocol_version", spec.protocol_version},
                    {"preprocessing_version", spec.preprocessing_version},
                    {"run", spec.run},
                    {"model_hash", spec.model_hash},
                    {"search",
                     {{"beam", spec.search.beam},
                      {"length_alpha", spec.search.length_alpha},
                      {"tokens_max", spec.search.tokens_max}}},
                    {"blur",
                     {{"mode", to_string(spec.blur.mode)},
                      {"blur_threshold", spec.blur.blur_threshold},
                      {"normalised_side_px", spec.blur.normalised_side_px},
                      {"tile_px", spec.blur.tile_px}}},
                    {"limits",
                     {{"pixels_max", spec.limits.pixels_max},
                      {"file_bytes_max", spec.limits.file_bytes_max},
                      {"image_timeout_s", spec.limits.image_timeout_s}}},
                    {"lease",
                     {{"lease_ms", spec.lease.lease_ms},
                      {"beat_ms", spec.lease.beat_ms},
                      {"max_deliveries", spec.lease.max_deliveries}}},
                    {"near_duplicates", spec.near_duplicates},
                    {"remembers", spec.remembers},
                    {"roots", spec.roots}};
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Expected<RunSpec> parse_spec(std::string_view text) {
  return guard(Errc::bad_payload, "run spec", [&] {
    const json object = json::parse(text);
    Fields in(object);
    RunSpec spec;
    spec.protocol_version = in.number("protocol_version", 1, 1'000'000);
    spec.preprocessing_version = in.number("preprocessing_version", 1, 1'000'000);
    spec.run = in.text("run", 1'000);
    spec.model_hash = in.text("model_hash", 64);
    spec.search = read_search(in.at("search"));
    spec.blur = read_blur(in.at("blur"));
    spec.limits = read_limits(in.at("limits"));
    spec.lease = read_lease(in.at("lease"));
    spec.near_duplicates = in.number("near_duplicates", 0, kNearDuplicatesMax);
    spec.remembers = in.at("remembers").get<bool>();
    for (const json& root : in.at("roots")) spec.roots.push_back(root.get<std::string>());
    in.reject_unknown();
    return spec;
  });
}

}  // namespace photoscribe
