#include "worker/photo/job.h"

#include <chrono>
#include <utility>

namespace photoscribe {

Result begin_result(const Job& job) {
  Result result;
  result.image_id = job.task.image_id;
  result.attempt = job.task.attempt;
  result.finished_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count();
  return result;
}

Result begin_result(const Job& job, const LoadedPhoto& photo) {
  Result result = begin_result(job);
  result.width_px = photo.width_px;
  result.height_px = photo.height_px;
  result.times = photo.times;
  result.blur_scores = photo.blur_scores;
  result.preview = photo.preview;
  result.content_hash = photo.content_hash;
  return result;
}

Result result_of(const Job& job, CopiedPhoto photo) {
  Result result = begin_result(job);
  result.width_px = photo.found.width_px;
  result.height_px = photo.found.height_px;
  result.times = photo.times;
  result.blur_scores = photo.found.blur_scores;
  result.preview = photo.found.preview;
  result.content_hash = photo.content_hash;
  result.copied_from = CopiedFrom{photo.found.image_id, std::nullopt};
  result.outcome = std::move(photo.found.outcome);
  return result;
}

Result result_of(const Job& job, LoadFailed failed) {
  Result result = begin_result(job);
  result.times = failed.times;
  result.content_hash = failed.content_hash;
  result.outcome = std::move(failed.failed);
  return result;
}

}  // namespace photoscribe
