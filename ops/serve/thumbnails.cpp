#include "ops/serve/thumbnails.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "common/core/sha256.h"

namespace photoscribe::serve {
namespace {

constexpr std::size_t kWaitingMax = 400, kFailedMax = 10'000;
constexpr std::int64_t kFailedFor = 60;  // seconds until a photo is tried again
constexpr std::chrono::seconds kSuspendAfter{60};

}  // namespace

std::string Thumbnails::key_of(const PictureRequest& request) {
  Sha256 hash;
  const std::string numbers = "1 " + std::to_string(request.side_px) + " " +
                              std::to_string(request.size_bytes) + " " +
                              std::to_string(request.mtime_ns) + " ";
  hash.add(numbers.data(), numbers.size());
  hash.add(request.file.data(), request.file.size());
  return to_hex(hash.digest()).substr(0, 32);
}

Thumbnails::Thumbnails(std::string cache_folder, std::int64_t cache_bytes_max,
                       NewPictureMaker maker, int threads)
    : cache_(std::move(cache_folder), cache_bytes_max), new_maker_(std::move(maker)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Thumbnails::~Thumbnails() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
    for (PictureMaker* maker : makers_) maker->cancel();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Thumbnails::make(const PictureRequest& request, Callback callback) {
  const std::string key = key_of(request);
  std::vector<Callback> refused;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto failed = failed_.find(key);
    if (failed != failed_.end() && failed->second > std::time(nullptr)) {
      refused.push_back(std::move(callback));
    } else if (const auto being_made = in_progress_.find(key); being_made != in_progress_.end()) {
      being_made->second.push_back(std::move(callback));
      return;
    } else {
      const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                      [&](const Waiting& one) { return one.key == key; });
      if (found != waiting_.end()) {
        waiting_.splice(waiting_.begin(), waiting_, found);
      } else {
        waiting_.push_front({key, request, {}});
      }
      waiting_.front().callbacks.push_back(std::move(callback));
    }
  }
  for (const Callback& one : refused) one(std::string());
  if (!refused.empty()) return;
  std::vector<Callback> dropped;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (waiting_.size() > kWaitingMax) {
      dropped = std::move(waiting_.back().callbacks);
      waiting_.pop_back();
    }
  }
  for (const Callback& one : dropped) one(fail(Errc::store_busy, "too many pictures are waiting"));
  changed_.notify_one();
}

Expected<std::string> Thumbnails::picture(PictureMaker& maker, const Waiting& waiting) {
  if (auto there = cache_.get(waiting.key)) return std::move(*there);
  Expected<std::string> made = maker.make(waiting.request);
  // Without a writable cache the page is only slower.
  if (made && !made->empty()) (void)cache_.put(waiting.key, *made);
  return made;
}

void Thumbnails::work() {
  const std::unique_ptr<PictureMaker> maker = new_maker_();
  std::unique_lock<std::mutex> lock(mutex_);
  makers_.push_back(maker.get());
  while (!ending_) {
    if (waiting_.empty()) {
      if (!changed_.wait_for(lock, kSuspendAfter, [&] { return ending_ || !waiting_.empty(); })) {
        maker->suspend();
      }
      continue;
    }
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    in_progress_[next.key];
    lock.unlock();
    const Expected<std::string> made = picture(*maker, next);
    lock.lock();
    for (Callback& one : in_progress_[next.key]) next.callbacks.push_back(std::move(one));
    in_progress_.erase(next.key);
    if (made && made->empty()) {
      if (failed_.size() >= kFailedMax) failed_.clear();
      failed_[next.key] = std::time(nullptr) + kFailedFor;
    }
    lock.unlock();
    for (const Callback& one : next.callbacks) one(made);
    lock.lock();
  }
  std::erase(makers_, maker.get());
}

}  // namespace photoscribe::serve
