#include "worker/pipeline/pipeline.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "worker/pipeline/batch_captioner.h"

namespace photoscribe {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kModelsOpenMax = 2;  // runs with other search settings open their own

}  // namespace

Pipeline::Pipeline(PipelineConfig config, CaptionerFactory factory, Loader loader,
                   PipelineEvents events)
    : config_(std::move(config)),
      factory_(std::move(factory)),
      loader_(std::move(loader)),
      events_(std::move(events)) {
  const auto decoders = static_cast<std::size_t>(std::max(1, config_.decode_threads));
  const auto ahead = static_cast<std::size_t>(std::max(0, config_.read_ahead));
  decoding_max_ = config_.decoding_max;
  if (decoding_max_ <= 0 && ahead > 0) decoding_max_ = static_cast<int>(decoders);
  may_decode_ = decoding_max_;
  const std::size_t first_ahead = decoders + config_.devices.size();
  slots_.resize(first_ahead + ahead);
  for (std::size_t i = 0; i < config_.devices.size(); ++i) {
    threads_.emplace_back([this, i, decoders] { device_loop(decoders + i, config_.devices[i]); });
  }
  for (std::size_t i = 0; i < decoders; ++i) {
    threads_.emplace_back([this, i] { decode_loop(i); });
  }
  for (std::size_t i = first_ahead; i < first_ahead + ahead; ++i) {
    slots_[i].reads_ahead = true;
    threads_.emplace_back([this, i] { decode_loop(i); });
  }
}

Pipeline::~Pipeline() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  to_decode_.notify_all();
  to_read_ahead_.notify_all();
  to_caption_.notify_all();
  filled_.notify_all();
  for (auto& thread : threads_) thread.join();
}

Status Pipeline::wait_ready() {
  std::unique_lock lock(mutex_);
  opened_.wait(lock, [&] { return !open_status_ || devices_open_ == config_.devices.size(); });
  return open_status_;
}

std::size_t Pipeline::jobs_max() const noexcept {
  // Per device a batch in work, one decoded, one being decoded; and what the decoders hold.
  return 3 * config_.batch_max * config_.devices.size() +
         2 * static_cast<std::size_t>(std::max(1, config_.decode_threads) +
                                      std::max(0, config_.read_ahead));
}

void Pipeline::submit(std::vector<Job> jobs) {
  bool reads_wait = false;
  {
    const std::lock_guard lock(mutex_);
    for (auto& job : jobs) queued_.push_back(std::move(job));
    reads_wait = read_waits_.often();
  }
  to_decode_.notify_all();
  if (reads_wait) to_read_ahead_.notify_all();
}

std::vector<Job> Pipeline::take_back(const std::function<bool(const Job&)>& wanted) {
  std::vector<Job> taken;
  const std::lock_guard lock(mutex_);
  std::erase_if(queued_, [&](Job& job) {
    if (!wanted(job)) return false;
    taken.push_back(std::move(job));
    return true;
  });
  std::erase_if(ready_, [&](Ready& ready) {
    if (!wanted(ready.job)) return false;
    taken.push_back(std::move(ready.job));
    return true;
  });
  for (Slot& slot : slots_) {
    const std::size_t gone = std::erase_if(slot.aside, [&](Aside& one) {
      if (!wanted(one.job)) return false;
      taken.push_back(std::move(one.job));
      return true;
    });
    aside_ -= gone;
    decoding_ -= gone;
  }
  tell_devices();  // a batch no longer waits for them
  return taken;
}

std::vector<Job> Pipeline::drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
  }
  return take_back([](const Job&) { return true; });
}

std::vector<InWork> Pipeline::in_work() const {
  std::vector<InWork> busy;
  const std::lock_guard lock(mutex_);
  for (const Slot& slot : slots_) {
    if (!slot.work.jobs.empty()) busy.push_back(slot.work);
  }
  return busy;
}

bool Pipeline::leave_behind(const InWork& reading) {
  std::size_t fresh = 0;
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[reading.slot];
    if (slot.work.jobs.empty() || slot.work.since != reading.since ||
        slot.work.stage != Stage::reading) {
      return false;
    }
    slot.left_behind = true;
    slot.work.jobs.clear();
    decoding_ -= 1 + slot.aside.size();
    aside_ -= slot.aside.size();
    for (Aside& one : slot.aside) queued_.push_back(std::move(one.job));
    slot.aside.clear();
    fresh = slots_.size();
    slots_.emplace_back().reads_ahead = slot.reads_ahead;
    tell_devices();  // a batch no longer waits for it
    if (read_waits_.often()) to_read_ahead_.notify_all();
  }
  to_decode_.notify_all();  // what it had put aside is queued again
  threads_.emplace_back([this, fresh] { decode_loop(fresh); });
  return true;
}

void Pipeline::report_open(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (status) {
      ++devices_open_;
    } else if (open_status_) {
      open_status_ = status;
    }
  }
  opened_.notify_all();
}

Expected<BatchCaptioner*> Pipeline::model_for(const std::string& device,
                                              const SearchSettings& search,
                                              std::vector<OpenModel>& models) {
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&](const OpenModel& model) { return model.search == search; });
  if (found != models.end()) {
    std::rotate(models.begin(), found, found + 1);  // the latest in front
    return models.front().batches.get();
  }
  if (models.size() >= kModelsOpenMax) models.pop_back();  // first: two may not fit the device
  auto opened = factory_(device, search);
  if (!opened) return fail(opened.error());
  OpenModel model;
  model.search = search;
  model.captioner = std::move(*opened);
  model.batches = std::make_unique<BatchCaptioner>(*model.captioner, config_.batch_max);
  models.insert(models.begin(), std::move(model));
  if (events_.model_open) {
    events_.model_open(device, std::string(models.front().captioner->precision()));
  }
  return models.front().batches.get();
}

void Pipeline::device_loop(std::size_t slot, const std::string& device) {
  std::vector<OpenModel> models;
  const auto first = model_for(device, config_.search, models);
  report_open(first ? Status() : Status(fail(first.error())));
  if (!first) return;
  for (;;) {
    std::vector<Ready> batch = next_batch(slot, models.front().batches->batch_now());
    if (batch.empty()) return;
    std::vector<Job> jobs;
    for (const auto& item : batch) jobs.push_back(item.job);
    const SearchSettings search = batch.front().job.run->spec.settings.search;
    auto model = model_for(device, search, models);
    enter_network(slot, jobs);
    Status status = model ? caption(**model, std::move(batch)) : Status(fail(model.error()));
    leave_network(slot);
    if (!status) {
      events_.device_lost(device, status.error(), std::move(jobs));
      return;
    }
  }
}

/// Looks like a photo that another device is captioning: it takes that caption once it is there.
bool Pipeline::waits_for_another(const Ready& item) const {
  const auto hash = item.photo.perceptual_hash;
  const RunContext& run = *item.job.run;
  return hash && std::any_of(in_network_.begin(), in_network_.end(), [&](const InNetwork& other) {
           return other.run->incarnation == run.incarnation &&
                  std::popcount(other.hash ^ *hash) <= run.spec.settings.near_duplicates;
         });
}

std::vector<Pipeline::Ready> Pipeline::next_batch(std::size_t slot, std::size_t size_max) {
  std::vector<Ready> batch;
  std::unique_lock lock(mutex_);
  const auto some_ready = [this] {
    return std::any_of(ready_.begin(), ready_.end(),
                       [this](const Ready& item) { return !waits_for_another(item); });
  };
  do {
    to_caption_.wait(lock, [&] { return stopping_ || some_ready(); });
    // Size or time, whichever comes first; and no waiting when nothing more can come.
    filled_.wait_for(lock, config_.linger, [&] {
      return stopping_ || ready_.size() >= size_max || (queued_.empty() && decoding_ == 0);
    });
    if (stopping_) return batch;
    batch = take_ready(size_max);
  } while (batch.empty());  // another device, or take_back, was faster
  for (const Ready& item : batch)
    if (item.photo.perceptual_hash)
      in_network_.push_back({slot, item.job.run, *item.photo.perceptual_hash});
  return batch;
}

/// The first, and others of the same search settings; the rest stays in order.
std::vector<Pipeline::Ready> Pipeline::take_ready(std::size_t size_max) {
  std::vector<Ready> batch;
  std::deque<Ready> others;
  while (!ready_.empty() && batch.size() < size_max) {
    Ready item = std::move(ready_.front());
    ready_.pop_front();
    const bool fits = batch.empty() || item.job.run->spec.settings.search ==
                                           batch.front().job.run->spec.settings.search;
    if (fits && !waits_for_another(item)) {
      batch.push_back(std::move(item));
    } else {
      others.push_back(std::move(item));
    }
  }
  ready_.insert(ready_.begin(), std::make_move_iterator(others.begin()),
                std::make_move_iterator(others.end()));
  return batch;
}

void Pipeline::enter_network(std::size_t slot, std::vector<Job> jobs) {
  const std::lock_guard lock(mutex_);
  slots_[slot].work = InWork{Stage::captioning, Clock::now(), std::move(jobs), slot};
}

void Pipeline::leave_network(std::size_t slot) {
  {
    const std::lock_guard lock(mutex_);
    slots_[slot].work.jobs.clear();
    std::erase_if(in_network_, [slot](const InNetwork& one) { return one.slot == slot; });
  }
  to_caption_.notify_all();
}

}  // namespace photoscribe
