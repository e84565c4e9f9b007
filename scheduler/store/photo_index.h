// photo_index: a few numbers of every photo of a run, in memory, so that pages can filter, sort and
// count millions of photos without indexes in the database, which its writer would have to keep.
//
// 32 bytes a photo. It follows the database by what was added since the last look, and is read anew
// when its counts are not those of table run_count (after a retry, another threshold, a new scan),
// and when photos vanished or came back.
// What a page shows is read from the database, so that a row here that is a second old only makes a
// place in a list old. Safe for several threads.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "common/core/error.h"
#include "common/sqlite/database.h"
#include "scheduler/store/record_rule.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

inline constexpr float kNoNumber = std::numeric_limits<float>::quiet_NaN();

struct PhotoNumbers {
  std::int64_t image_id = 0;
  std::int32_t modified_unix_s = 0;
  std::int32_t finished_unix_s = 0;  // 0: no result
  float confidence = kNoNumber;      // as confidence_or_mean(); of unsure ones, too
  float blur_score = kNoNumber;      // by the run's mode
  ImageState state = ImageState::pending;
  std::uint8_t reason = 0;  // of a failed one
  bool near_duplicate = false;
  bool vanished = false;
};

/// Probability that the caption is right, if the model gives it; else the geometric mean
/// probability of a word, end of sentence included. NaN without a caption.
[[nodiscard]] float confidence_or_mean(std::optional<double> confidence,
                                       std::optional<double> log_prob,
                                       std::optional<std::int64_t> tokens) noexcept;

class PhotoIndex {
 public:
  explicit PhotoIndex(RunId run) : run_(run) {}
  PhotoIndex(const PhotoIndex&) = delete;
  PhotoIndex& operator=(const PhotoIndex&) = delete;

  /// Brings it up to date, from a database that is open for reading; one thread at a time. Every
  /// read is of 20,000 rows at most, and before each `give_up` is asked: true ends it, with
  /// cancelled.
  [[nodiscard]] Status refresh(sqlite::Database& db, const std::function<bool()>& give_up = {});

  /// Raised with every change.
  [[nodiscard]] std::int64_t version() const;
  /// Calls `visit` with all photos of the run, by image id, and the version.
  template <class Visit>
  auto read(Visit&& visit) const {
    const std::shared_lock<std::shared_mutex> lock(mutex_);
    return visit(photos_, version_);
  }

 private:
  struct Mark {  // what the database had at the last look
    std::int64_t image_id = 0, result_id = 0, settings_id = 0, vanish_changes = 0;
  };
  struct Delta {
    Mark mark;
    std::vector<PhotoNumbers> photos;      // new ones, and those with a new result
    std::array<std::int64_t, 5> counts{};  // by ImageState, as the database says
    bool more = false;
  };
  [[nodiscard]] Expected<Delta> read_delta(sqlite::Database& db);
  /// True when the counts agree now.
  bool apply(const Delta& delta);
  [[nodiscard]] Status read_all(sqlite::Database& db, const std::function<bool()>& give_up);

  const RunId run_;
  Mark mark_;  // of the thread that refreshes
  std::array<std::int64_t, 5> counts_{};
  mutable std::shared_mutex mutex_;
  std::vector<PhotoNumbers> photos_;
  std::int64_t version_ = 0;
};

}  // namespace photoscribe
