#include "worker/photo/load_task.h"

#include <chrono>
#include <iterator>
#include <limits>
#include <utility>

#include "common/core/seen_rule.h"
#include "common/core/sha256.h"
#include "common/image/perceptual_hash.h"
#include "common/image/photo.h"

namespace photoscribe {
namespace {

using Clock = std::chrono::steady_clock;

std::uint32_t micros_since(Clock::time_point start) {
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
  return static_cast<std::uint32_t>(
      std::min<std::int64_t>(elapsed, std::numeric_limits<std::uint32_t>::max()));
}

/// Of the other photo's result, what holds for this run: the verdict comes from the scores
/// (design.md 5).
std::optional<Result> judged(std::optional<Result> found, const BlurSettings& blur) {
  if (!found || !found->blur_scores) return std::nullopt;
  if (is_blurred(*found->blur_scores, blur)) {
    found->outcome = Blurred{};
    return found;
  }
  if (!std::holds_alternative<Captioned>(found->outcome)) return std::nullopt;
  return found;
}

}  // namespace

LoadOutcome load_task(const Task& task, const RunSpec& spec, const Roots& roots, int side_px,
                      FileBuffer& buffer, const OnDecode& on_decode,
                      const FindSeen& find_seen) try {
  const auto root = roots.find(task.root);
  if (root == roots.end()) {
    // The spec was checked before joining, so the task disagrees with its own run.
    return LoadFailed{{Reason::outside_root, "this worker has no such root"}, {}, {}};
  }
  StageTimes times;
  auto start = Clock::now();
  const auto bytes =
      buffer.read(root->second, task.path, task.member, spec.settings.limits.file_bytes_max);
  times.read_us = micros_since(start);
  if (!bytes) {
    const OpenFailure& why = bytes.error();
    if (why.environment) return Fault{why.of, why.detail, why.reason};
    return LoadFailed{{why.reason, why.detail}, times, {}};
  }
  on_decode();
  start = Clock::now();
  const ContentHash hash = sha256_of(bytes->data(), bytes->size());
  const auto copy = [&]() -> std::optional<CopiedPhoto> {
    if (!find_seen || task.attempt != 1) return std::nullopt;
    auto found = judged(find_seen(hash), spec.settings.blur);
    if (!found) return std::nullopt;
    times.decode_us = micros_since(start);
    return CopiedPhoto{std::move(*found), times, hash};
  };
  const bool asks_first = std::ssize(*bytes) >= kAskFirstBytes;
  if (asks_first) {
    if (auto copied = copy()) return std::move(*copied);
  }
  auto photo = load_photo(*bytes, side_px, spec.settings.blur, spec.settings.limits);
  times.decode_us = micros_since(start);
  if (!photo) return LoadFailed{{photo.error().reason, photo.error().detail}, times, hash};
  if (!asks_first && photo->network_input) {
    if (auto copied = copy()) return std::move(*copied);
  }
  LoadedPhoto loaded;
  loaded.blur_scores = photo->measured.blur_scores;
  loaded.preview = photo->measured.preview;
  loaded.width_px = photo->measured.width_px;
  loaded.height_px = photo->measured.height_px;
  loaded.times = times;
  loaded.blur_us = static_cast<std::uint32_t>(photo->measured.blur_time.count());
  loaded.network_input = std::move(photo->network_input);
  loaded.content_hash = hash;
  if (spec.settings.near_duplicates > 0 && loaded.network_input) {
    loaded.perceptual_hash = perceptual_hash(*loaded.network_input);
  }
  return loaded;
} catch (const std::bad_alloc&) {
  return Fault{FaultOf::memory, "load " + task.path + ": no memory left on this machine"};
}

}  // namespace photoscribe
