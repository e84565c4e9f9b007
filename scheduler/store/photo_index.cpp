#include "scheduler/store/photo_index.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kRowsAtOnce = 20'000;

#define PHOTOSCRIBE_NUMBERS                                                              \
  "SELECT image.image_id, image.mtime_ns, image.verdict, image.reason, image.vanished, " \
  "result.finished_unix_ms, result.confidence, result.log_prob, result.tokens, "         \
  "result.blur_score, result.hash_distance IS NOT NULL "
#define PHOTOSCRIBE_CURRENT_RESULT \
  "LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt "

constexpr const char* kByImage = PHOTOSCRIBE_NUMBERS
    "FROM image " PHOTOSCRIBE_CURRENT_RESULT
    "WHERE image.image_id > ? AND image.run_id = ? ORDER BY image.image_id LIMIT ?";
constexpr const char* kByResult = PHOTOSCRIBE_NUMBERS
    "FROM result JOIN image ON image.image_id = result.image_id "
    "AND image.attempt = result.attempt "
    "WHERE result.result_id > ? AND result.result_id <= ? AND image.run_id = ?";

std::int32_t seconds(std::int64_t value, std::int64_t per_second) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::clamp(value / per_second, -kMost, kMost));
}

float number(std::optional<double> value) { return value ? static_cast<float>(*value) : kNoNumber; }

PhotoNumbers read_numbers(const sqlite::Query& row) {
  PhotoNumbers photo;
  photo.image_id = row.integer(0);
  photo.modified_unix_s = seconds(row.integer(1), 1'000'000'000);
  photo.state = state_from(row.text(2));
  if (const auto reason = reason_from_string(row.optional_text(3).value_or(""))) {
    photo.reason = static_cast<std::uint8_t>(*reason);
  }
  photo.vanished = row.integer(4) != 0;
  photo.finished_unix_s = seconds(row.optional_integer(5).value_or(0), 1000);
  photo.confidence =
      confidence_or_mean(row.optional_real(6), row.optional_real(7), row.optional_integer(8));
  photo.blur_score = number(row.optional_real(9));
  photo.near_duplicate = row.integer(10) != 0;
  return photo;
}

std::array<std::int64_t, 5> counts_of(sqlite::Database& db, RunId run) {
  std::array<std::int64_t, 5> counts{};
  auto row = db.query(
      "SELECT state, sum(images) FROM run_count WHERE run_id = ? AND state <> 'vanished' "
      "GROUP BY state");
  row.with(run);
  while (row.step()) counts[static_cast<std::size_t>(state_from(row.text(0)))] += row.integer(1);
  return counts;
}

void count(std::array<std::int64_t, 5>& counts, const PhotoNumbers& photo, std::int64_t change) {
  counts[static_cast<std::size_t>(photo.state)] += change;
}

tl::unexpected<Error> given_up() { return fail(Errc::cancelled, "read photos: nobody waits"); }

}  // namespace

float confidence_or_mean(std::optional<double> confidence, std::optional<double> log_prob,
                         std::optional<std::int64_t> tokens) noexcept {
  if (confidence) return static_cast<float>(*confidence);
  if (!log_prob || !tokens) return kNoNumber;
  return static_cast<float>(std::exp(*log_prob / static_cast<double>(*tokens + 1)));
}

std::int64_t PhotoIndex::version() const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  return version_;
}

Expected<PhotoIndex::Delta> PhotoIndex::read_delta(sqlite::Database& db) {
  return db.read("look for new photos", [&] {
    Delta delta;
    delta.mark = mark_;
    {
      auto row = db.query("SELECT settings_id, vanish_changes FROM run WHERE run_id = ?");
      if (row.with(run_).step()) {
        delta.mark.settings_id = row.integer(0);
        delta.mark.vanish_changes = row.integer(1);
      }
    }
    std::int64_t images = 0;
    {
      auto row = db.query(kByImage);
      row.with(mark_.image_id, run_, kRowsAtOnce);
      for (; row.step(); ++images) {
        delta.photos.push_back(read_numbers(row));
        delta.mark.image_id = delta.photos.back().image_id;
      }
    }
    {
      auto row = db.query("SELECT coalesce(max(result_id), 0) FROM result");
      row.step();
      const std::int64_t last = row.integer(0);
      delta.mark.result_id = std::min(last, mark_.result_id + kRowsAtOnce);
      delta.more = images == kRowsAtOnce || delta.mark.result_id < last;
    }
    auto row = db.query(kByResult);
    row.with(mark_.result_id, delta.mark.result_id, run_);
    while (row.step()) {
      PhotoNumbers photo = read_numbers(row);
      // Of an image that is still to be read: that will bring the result along.
      if (photo.image_id <= delta.mark.image_id) delta.photos.push_back(photo);
    }
    delta.counts = counts_of(db, run_);
    return delta;
  });
}

bool PhotoIndex::apply(const Delta& delta) {
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  const auto by_id = [](const PhotoNumbers& photo, std::int64_t id) { return photo.image_id < id; };
  for (const PhotoNumbers& photo : delta.photos) {
    const auto place =
        photos_.empty() || photos_.back().image_id < photo.image_id
            ? photos_.end()
            : std::lower_bound(photos_.begin(), photos_.end(), photo.image_id, by_id);
    if (place == photos_.end()) {
      photos_.push_back(photo);
    } else if (place->image_id == photo.image_id) {
      count(counts_, *place, -1);
      *place = photo;
    } else {
      photos_.insert(place, photo);
    }
    count(counts_, photo, +1);
  }
  if (!delta.photos.empty()) ++version_;
  mark_ = delta.mark;
  return counts_ == delta.counts;
}

Status PhotoIndex::read_all(sqlite::Database& db, const std::function<bool()>& give_up) {
  std::vector<PhotoNumbers> photos;
  Mark mark;
  const auto marked = db.read("look for photos", [&] {
    auto row = db.query(
        "SELECT settings_id, vanish_changes, (SELECT coalesce(max(result_id), 0) FROM result) "
        "FROM run WHERE run_id = ?");
    if (row.with(run_).step()) {
      mark.settings_id = row.integer(0);
      mark.vanish_changes = row.integer(1);
      mark.result_id = row.integer(2);
    }
  });
  if (!marked) return fail(marked.error());
  for (std::size_t before = 0;;) {
    if (give_up && give_up()) return given_up();
    const auto page = db.read("read photos", [&] {
      auto row = db.query(kByImage);
      row.with(mark.image_id, run_, kRowsAtOnce);
      while (row.step()) photos.push_back(read_numbers(row));
    });
    if (!page) return fail(page.error());
    if (photos.size() == before) break;
    before = photos.size();
    mark.image_id = photos.back().image_id;
  }
  std::array<std::int64_t, 5> counts{};
  for (const PhotoNumbers& photo : photos) count(counts, photo, +1);
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  photos_ = std::move(photos);
  counts_ = counts;
  mark_ = mark;
  ++version_;
  return {};
}

Status PhotoIndex::refresh(sqlite::Database& db, const std::function<bool()>& give_up) {
  if (mark_.settings_id == 0) return read_all(db, give_up);
  for (;;) {
    if (give_up && give_up()) return given_up();
    const Mark before = mark_;
    const Expected<Delta> delta = read_delta(db);
    if (!delta) return fail(delta.error());
    const bool agrees = apply(*delta);
    const bool others = mark_.settings_id != before.settings_id ||  // other scores, other model
                        mark_.vanish_changes != before.vanish_changes;
    if (others) return read_all(db, give_up);
    if (delta->more) continue;
    return agrees ? Status() : read_all(db, give_up);
  }
}

}  // namespace photoscribe
