// slow_mount: a real mount that shows a folder, read-only, and answers when it is told to.
//
// A FUSE file system without a library: what a caller does before each answer is the caller's, so
// that storage can be slow, or wait for events. Nothing is in the page cache when it is made, and
// it can be mounted as often as needed. Mounted in a mount namespace of the calling thread (and of
// those that it starts afterwards), so nothing is left behind. Needs root and /dev/fuse.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace photoscribe::test {

class SlowMount {
 public:
  enum class Request { look_up, open, read };
  /// Called on the server's threads, `threads` of them at a time, before the answer; each is what
  /// storage on a network is asked once, one way and back. Folders are not told.
  using Before = std::function<void(Request what, const std::string& path)>;

  /// Shows `folder` at `place`. None where this is not allowed.
  [[nodiscard]] static std::unique_ptr<SlowMount> over(const std::string& place,
                                                       const std::string& folder, int threads,
                                                       Before before);
  SlowMount(const SlowMount&) = delete;
  SlowMount& operator=(const SlowMount&) = delete;
  /// Unmounts; what still reads fails.
  ~SlowMount();

 private:
  SlowMount(std::string place, std::string folder, int device, Before before)
      : place_(std::move(place)),
        folder_(std::move(folder)),
        device_(device),
        before_(std::move(before)) {}
  struct Message;
  void serve();
  void answer(const Message& message);
  void reply(std::uint64_t unique, int error, const void* data, std::size_t size) const;
  void look_up(const Message& message);
  void list(const Message& message);
  void read(const Message& message);
  [[nodiscard]] std::string path_of(std::uint64_t node);
  [[nodiscard]] std::uint64_t node_of(const std::string& path);

  const std::string place_, folder_;
  int device_;
  const Before before_;
  std::mutex mutex_;
  std::vector<std::string> paths_{"", "."};     // by node; 1 is the folder
  std::map<std::string, std::uint64_t> nodes_;  // by path
  std::vector<std::thread> threads_;
};

}  // namespace photoscribe::test
