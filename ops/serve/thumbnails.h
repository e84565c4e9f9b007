// thumbnails: small pictures of photos for a page, made on demand, kept on disk.
//
// The last request is served first, since that is what is on the screen; what has scrolled away
// waits, and is refused when the queue is full. The worker decodes (ops/cli/run).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/core/error.h"
#include "ops/serve/disk_cache.h"

namespace photoscribe::serve {

struct PictureRequest {
  std::string file;  // absolute, raw bytes; or the URL of a photo on a server
  int side_px = 240;
  std::int64_t size_bytes = 0, mtime_ns = 0;  // of the file, according to the archive
};

/// Makes pictures one at a time; each thread has its own.
class PictureMaker {
 public:
  virtual ~PictureMaker() = default;
  /// A JPEG; empty if the photo cannot be decoded any more. Fails with environment if no photo can,
  /// for instance without a worker.
  [[nodiscard]] virtual Expected<std::string> make(const PictureRequest& request) = 0;
  /// Called after a minute without a request: frees what is only needed to make pictures.
  virtual void suspend() = 0;
  /// Called by another thread, once: the picture being made is no longer wanted.
  virtual void cancel() noexcept {}
};
using NewPictureMaker = std::function<std::unique_ptr<PictureMaker>()>;

class Thumbnails {
 public:
  /// Gets the JPEG, empty if the photo has none. Called on a thread of this object.
  using Callback = std::function<void(Expected<std::string>)>;

  Thumbnails(std::string cache_folder, std::int64_t cache_bytes_max, NewPictureMaker maker,
             int threads = 2);
  Thumbnails(const Thumbnails&) = delete;
  Thumbnails& operator=(const Thumbnails&) = delete;
  ~Thumbnails();

  /// The cache key: equal for the same picture of the same file.
  [[nodiscard]] static std::string key_of(const PictureRequest& request);
  /// The picture on disk, if any.
  [[nodiscard]] std::optional<std::string> kept(const std::string& key) { return cache_.get(key); }
  /// When too many requests wait, the oldest one's callback gets store_busy.
  void make(const PictureRequest& request, Callback callback);

 private:
  struct Waiting {
    std::string key;
    PictureRequest request;
    std::vector<Callback> callbacks;
  };
  void work();
  [[nodiscard]] Expected<std::string> picture(PictureMaker& maker, const Waiting& waiting);

  DiskCache cache_;
  const NewPictureMaker new_maker_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Waiting> waiting_;                                // the last request first
  std::map<std::string, std::vector<Callback>> in_progress_;  // key → who else waits for it
  std::map<std::string, std::int64_t> failed_;                // key → until when, seconds
  std::vector<PictureMaker*> makers_;                         // of the threads
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace photoscribe::serve
