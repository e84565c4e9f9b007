// types: the data that flow from the scheduler to a worker and back. Read this first.
//
// Plain structs: no third-party type, no virtual function. What is not here never crosses a
// process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/core/blur.h"
#include "common/core/sha256.h"

namespace photoscribe {

/// Why a photo has no caption and never will in this attempt (design.md 6). The names are the
/// database's and the report's.
enum class Reason : std::uint8_t {
  missing,          // ENOENT under a living root
  unreadable,       // EACCES, EPERM, ELOOP …
  not_a_file,       // a directory, pipe, socket or device
  outside_root,     // a link or `..` that leaves the root
  empty,            // zero bytes
  not_an_image,     // magic bytes of no known format
  truncated,        // a listed format whose data end early or are damaged
  too_large,        // over the pixel, byte or frame cap
  unsupported,      // a known format or variant that is not decoded (HEIC, RAW, …)
  timeout,          // past the per-image time-out
  model_failure,    // the network rejected this photo alone
  device_memory,    // the device has no memory even for this photo alone
  crashed_worker,   // in hand at `max_deliveries` worker crashes
  encrypted,        // a member of an archive that needs a password
  unsafe_name,      // a member whose name is absolute or has `..`
  http_403,         // the server refuses it (401, 403, 451)
  http_404,         // the server has no such photo (404, 410)
  http_5xx,         // the server failed at this photo, after every retry
  http_other,       // another answer that is no photo (4xx, too many redirects)
  dns,              // no such host
  tls,              // the server's certificate or handshake is not valid
  too_slow,         // the server took longer than the time-out for one photo
  private_address,  // leads to a loopback, private or link-local address
};
inline constexpr int kReasonCount = 23;

[[nodiscard]] std::string_view to_string(Reason reason) noexcept;
[[nodiscard]] std::optional<Reason> reason_from_string(std::string_view name) noexcept;

/// True for kinds that a later `done` or `blurred` of the same attempt replaces (design.md 4,
/// recorder).
[[nodiscard]] constexpr bool is_replaceable(Reason reason) noexcept {
  return reason == Reason::crashed_worker || reason == Reason::timeout ||
         reason == Reason::device_memory;
}

/// Where a photo that is a member of an archive lies. Its path is the archive's, `!`, and its name
/// in it: `2019/photos.tar!beach/a.jpg`.
struct ArchiveMember {
  std::int64_t offset = 0;        // of its header: bytes from the start of the unpacked archive
  std::int32_t archive_size = 0;  // bytes of Task::path that are the archive's
  bool operator==(const ArchiveMember&) const = default;
};

/// What the scheduler asks for: one image of a run's manifest.
struct Task {
  std::int64_t image_id = 0;            // row of table `image`
  std::int32_t attempt = 1;             // raised by retry, redo and changed files
  std::string root;                     // name of the root; only the worker knows its folder
  std::string path;                     // relative to the root: raw bytes, no encoding implied
  std::optional<ArchiveMember> member;  // none: a file of its own
  std::int32_t deliveries =
      0;  // charged under earlier entries of the same task (hand-back, protocol.md H9)
  bool operator==(const Task&) const = default;
};

/// A decoded photo. Row-major, interleaved channels, no padding.
struct DecodedImage {
  int width_px = 0, height_px = 0;
  int channels = 3;                  // 3: RGB for the network; 1: gray for the blur check
  std::vector<std::uint8_t> pixels;  // height_px * width_px * channels bytes
};

/// What speaks for a caption and against it, beside its probability (confidence.h).
struct CaptionEvidence {
  double word_log_prob_min = 0;  // least natural log-probability of one of its words
  double beam_agreement = 0;     // share of its words on which the search's other beams agree
  double mentioned_min = 1;      // least probability that the classifier gives to a concept that it
                                 // names; 1 when it names none
  double unmentioned_max = 0;    // largest probability of a concept that it does not name, or 0
  double novelty = 0;  // distance of the photo's features from those of the training photos, >= 0
  bool operator==(const CaptionEvidence&) const = default;
};

/// A thing that the classifier sees in the photo, whether the caption names it or not.
struct Concept {
  std::string word;  // as the model's list of concepts has it
  float probability = 0;
  bool operator==(const Concept&) const = default;
};
inline constexpr std::size_t kConceptsMax = 16;      // of one photo
inline constexpr std::size_t kConceptBytesMax = 64;  // of a word, which is never empty

/// A caption that the search finished beside the one that it chose.
struct Alternative {
  std::string text;
  double log_prob = 0;  // as Caption's
  int tokens = 0;
  bool operator==(const Alternative&) const = default;
};
inline constexpr std::size_t kAlternativesMax = 4;         // of one caption
inline constexpr std::size_t kAlternativeBytesMax = 1000;  // of a text

/// Where the decoder looked at the photo while it said each word: a grid over the whole photo, row
/// by row from the upper left, word after word. A byte is the cell's weight as a share of the
/// word's largest, which is 255: maps of two words cannot be compared.
struct AttentionMaps {
  int width = 0, height = 0;        // cells; 1 to kAttentionSideMax
  std::vector<std::uint8_t> cells;  // words * height * width
  bool operator==(const AttentionMaps&) const = default;
};
inline constexpr int kAttentionSideMax = 64;
inline constexpr std::size_t kAttentionBytesMax = 65'536;  // of one caption

struct Caption {
  std::string text;
  double log_prob = 0;  // natural log, summed over the tokens and the end token
  int tokens = 0;       // words, without the end token
  std::optional<CaptionEvidence> evidence{};  // none: the model does not tell
  std::vector<Concept> concepts{};            // falling probability, kConceptsMax at most
  std::vector<Alternative> alternatives{};    // likeliest first by the search's own score
  std::optional<AttentionMaps> attention{};   // none: nobody asked, or the decoder has no attention
};

/// Whether maps have the size that they say, and one for each of `words`.
[[nodiscard]] inline bool fits(const AttentionMaps& maps, int words) {
  return maps.width >= 1 && maps.width <= kAttentionSideMax && maps.height >= 1 &&
         maps.height <= kAttentionSideMax && words >= 1 &&
         maps.cells.size() <= kAttentionBytesMax &&
         maps.cells.size() ==
             static_cast<std::size_t>(words) * static_cast<std::size_t>(maps.width * maps.height);
}

struct Captioned {
  Caption caption;
};
struct Blurred {};
struct Failed {
  Reason reason = Reason::unreadable;
  std::string detail;  // one line for a person; may hold any bytes
};

/// Wall time spent on one photo; a batch's network time is shared out evenly.
struct StageTimes {
  std::uint32_t read_us = 0, decode_us = 0, caption_us = 0;
};

/// Whose caption a result has: that of another photo, with the same bytes or nearly the same look.
struct CopiedFrom {
  std::int64_t image_id = 0;  // of any run of the database
  /// Hamming distance of the two perceptual hashes (perceptual_hash.h); none: the bytes are equal,
  /// and the blur scores are the other's, too.
  std::optional<int> hash_distance;
  bool operator==(const CopiedFrom&) const = default;
};

/// What a worker reports for one task.
struct Result {
  std::int64_t image_id = 0;
  std::int32_t attempt = 1;
  std::variant<Captioned, Blurred, Failed> outcome;
  std::optional<BlurScores> blur_scores;  // none when it did not decode
  bool preview = false;             // of a camera's RAW file: all this is of the largest JPEG in it
  int width_px = 0, height_px = 0;  // as shown (after EXIF orientation); 0 when it did not decode
  StageTimes times;
  std::int64_t finished_unix_ms = 0;
  std::optional<ContentHash> content_hash;  // none when it was not read to its end
  std::optional<CopiedFrom> copied_from;    // never of a failed one
};

/// One finished worker batch.
struct ResultBatch {
  std::string worker;  // consumer name: host, pid and 64 random bits
  std::vector<Result> results;
};

}  // namespace photoscribe
