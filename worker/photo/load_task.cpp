#include "worker/photo/load_task.h"

#include <chrono>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <span>
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

/// A photo whose bytes are in memory, and what is wanted of it.
struct ReadPhoto {
  const RunSpec* spec = nullptr;
  int side_px = 0;
  std::span<const std::uint8_t> bytes;
  ContentHash hash{};
  StageTimes times;
};

LoadOutcome decode(ReadPhoto read) {
  const auto start = Clock::now();
  const RunSettings& settings = read.spec->settings;
  auto photo = load_photo(read.bytes, read.side_px, settings.blur, settings.limits);
  read.times.decode_us += micros_since(start);
  if (!photo)
    return LoadFailed{{photo.error().reason, photo.error().detail}, read.times, read.hash};
  LoadedPhoto loaded;
  loaded.blur_scores = photo->measured.blur_scores;
  loaded.preview = photo->measured.preview;
  loaded.width_px = photo->measured.width_px;
  loaded.height_px = photo->measured.height_px;
  loaded.times = read.times;
  loaded.blur_us = static_cast<std::uint32_t>(photo->measured.blur_time.count());
  loaded.network_input = std::move(photo->network_input);
  loaded.content_hash = read.hash;
  if (settings.near_duplicates > 0 && loaded.network_input) {
    loaded.perceptual_hash = perceptual_hash(*loaded.network_input);
  }
  return loaded;
}

/// What holds for this photo of the answer, if there was one.
std::optional<LoadOutcome> copied(const SeenAnswer& answer, const ReadPhoto& read) {
  auto found = judged(answer(), read.spec->settings.blur);
  if (!found) return std::nullopt;
  return CopiedPhoto{std::move(*found), read.times, read.hash};
}

/// No memory is the machine's fault, not the photo's.
template <class Step>
auto unless_memory_ends(const std::string& path, const Step& step) -> decltype(step()) try {
  return step();
} catch (const std::bad_alloc&) {
  return Fault{FaultOf::memory, "load " + path + ": no memory left on this machine"};
}

LoadStep begin(const Task& task, ReadPhoto read, const OnDecode& on_decode,
               const AskSeen& ask_seen) {
  const bool asks = ask_seen && task.attempt == 1;
  if (asks && std::ssize(read.bytes) >= kAskFirstBytes) {
    return Unanswered{
        [path = task.path, read, answer = ask_seen(read.hash)](const OnDecode& decoding) {
          return unless_memory_ends(path, [&]() -> LoadOutcome {
            if (auto copy = copied(answer, read)) return std::move(*copy);
            decoding();
            return decode(read);
          });
        }};
  }
  on_decode();
  LoadOutcome outcome = decode(read);
  const auto* photo = std::get_if<LoadedPhoto>(&outcome);
  if (!asks || photo == nullptr || !photo->network_input) return outcome;
  read.times = photo->times;
  // Shared: a std::function is copyable, and a photo is not copied.
  const auto clear = std::make_shared<LoadOutcome>(std::move(outcome));
  return Unanswered{[read, clear, answer = ask_seen(read.hash)](const OnDecode&) -> LoadOutcome {
    if (auto copy = copied(answer, read)) return std::move(*copy);
    return std::move(*clear);
  }};
}

}  // namespace

LoadStep begin_load(const Task& task, const RunSpec& spec, const Roots& roots, int side_px,
                    FileBuffer& buffer, const OnDecode& on_decode, const AskSeen& ask_seen) {
  return unless_memory_ends(task.path, [&]() -> LoadStep {
    const auto root = roots.find(task.root);
    if (root == roots.end()) {
      // The spec was checked before joining, so the task disagrees with its own run.
      return LoadFailed{{Reason::outside_root, "this worker has no such root"}, {}, {}};
    }
    ReadPhoto read{&spec, side_px, {}, {}, {}};
    const auto start = Clock::now();
    const auto bytes =
        buffer.read(root->second, task.path, task.member, spec.settings.limits.file_bytes_max);
    read.times.read_us = micros_since(start);
    if (!bytes) {
      const OpenFailure& why = bytes.error();
      if (why.environment) return Fault{why.of, why.detail, why.reason};
      return LoadFailed{{why.reason, why.detail}, read.times, {}};
    }
    read.bytes = *bytes;
    const auto hashing = Clock::now();
    read.hash = sha256_of(bytes->data(), bytes->size());
    read.times.decode_us = micros_since(hashing);
    return begin(task, read, on_decode, ask_seen);
  });
}

LoadOutcome load_task(const Task& task, const RunSpec& spec, const Roots& roots, int side_px,
                      FileBuffer& buffer, const OnDecode& on_decode, const AskSeen& ask_seen) {
  LoadStep step = begin_load(task, spec, roots, side_px, buffer, on_decode, ask_seen);
  if (const auto* waits = std::get_if<Unanswered>(&step)) return waits->go_on(on_decode);
  return std::get<LoadOutcome>(std::move(step));
}

}  // namespace photoscribe
