// The pipeline's last stage: a batch is captioned, but for photos that look like one that is.
#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "common/scores/named_objects.h"
#include "worker/pipeline/batch_captioner.h"
#include "worker/pipeline/pipeline.h"

namespace photoscribe {
namespace {

Finished finished_copy(Job job, const LoadedPhoto& photo, Caption caption, const CopiedFrom& from) {
  Result result = begin_result(job, photo);
  result.outcome = Captioned{std::move(caption)};
  result.copied_from = from;
  return Finished{std::move(job), std::move(result), photo.blur_us};
}

}  // namespace

/// Takes the caption of one that is in the same batch, and captioned with it.
struct Pipeline::Follower {
  Ready item;
  std::size_t leader = 0;  // index in the batch without followers
  CopiedFrom from;
};

Status Pipeline::caption(BatchCaptioner& model, std::vector<Ready> batch) {
  std::vector<Finished> finished;  // delivered at the end only: a lost device loses all of them
  finished.reserve(batch.size());
  while (!batch.empty()) {
    std::vector<Follower> followers = split_off_doubles(batch, finished);
    const std::size_t begin = finished.size();
    if (Status done = run_network(model, std::move(batch), finished); !done) return done;
    batch.clear();
    for (Follower& follower : followers) {
      const auto* words = std::get_if<Captioned>(&finished[begin + follower.leader].result.outcome);
      if (words == nullptr) {  // the leader alone is to blame for its failure
        batch.push_back(std::move(follower.item));
      } else {
        finished.push_back(finished_copy(std::move(follower.item.job), follower.item.photo,
                                         words->caption, follower.from));
      }
    }
  }
  events_.finished(std::move(finished));
  return {};
}

std::vector<Pipeline::Follower> Pipeline::split_off_doubles(std::vector<Ready>& batch,
                                                            std::vector<Finished>& finished) {
  std::vector<Follower> followers;
  std::vector<Ready> leaders;
  const std::lock_guard lock(doubles_mutex_);
  for (Ready& item : batch) {
    const RunContext& run = *item.job.run;
    const auto hash = item.photo.perceptual_hash;
    if (!hash) {
      leaders.push_back(std::move(item));
      continue;
    }
    if (auto known = doubles_.find(run.incarnation, *hash, run.spec.settings.near_duplicates,
                                   item.job.task.image_id)) {
      finished.push_back(
          finished_copy(std::move(item.job), item.photo, std::move(known->caption), known->from));
      continue;
    }
    const auto is_alike = [&](const Ready& other) {
      return other.job.run == item.job.run && other.photo.perceptual_hash &&
             std::popcount(*other.photo.perceptual_hash ^ *hash) <=
                 run.spec.settings.near_duplicates;
    };
    const auto leader = std::find_if(leaders.begin(), leaders.end(), is_alike);
    if (leader == leaders.end()) {
      leaders.push_back(std::move(item));
      continue;
    }
    Follower follower;
    follower.leader = static_cast<std::size_t>(leader - leaders.begin());
    follower.from = CopiedFrom{leader->job.task.image_id,
                               std::popcount(*leader->photo.perceptual_hash ^ *hash)};
    follower.item = std::move(item);
    followers.push_back(std::move(follower));
  }
  batch = std::move(leaders);
  return followers;
}

Status Pipeline::run_network(BatchCaptioner& model, std::vector<Ready> batch,
                             std::vector<Finished>& finished) {
  if (batch.empty()) return {};
  std::vector<const DecodedImage*> images;
  for (const auto& item : batch) images.push_back(&*item.photo.network_input);
  const auto start = std::chrono::steady_clock::now();
  auto outcomes = model.caption(images);
  if (!outcomes) return fail(outcomes.error());
  if (events_.batch) events_.batch(batch.size());
  // Rounded up: 0 is what had no network.
  const auto each = std::chrono::ceil<std::chrono::microseconds>(
      (std::chrono::steady_clock::now() - start) / static_cast<std::int64_t>(batch.size()));
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Ready& item = batch[i];
    Result result = begin_result(item.job, item.photo);
    result.times.caption_us = static_cast<std::uint32_t>(
        std::min<std::int64_t>(each.count(), std::numeric_limits<std::uint32_t>::max()));
    if (auto* words = std::get_if<Caption>(&(*outcomes)[i])) {
      keep_probable(words->concepts, item.job.run->spec.settings.min_concept_probability,
                    words->text);
      remember(item, *words);
      result.outcome = Captioned{std::move(*words)};
    } else {
      result.outcome = std::move(std::get<Failed>((*outcomes)[i]));
    }
    finished.push_back(Finished{std::move(item.job), std::move(result), item.photo.blur_us});
  }
  return {};
}

void Pipeline::remember(const Ready& item, const Caption& caption) {
  if (!item.photo.perceptual_hash) return;
  const std::lock_guard lock(doubles_mutex_);
  doubles_.add(item.job.run->incarnation, *item.photo.perceptual_hash, item.job.task.image_id,
               caption);
}

}  // namespace photoscribe
