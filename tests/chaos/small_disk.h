// small_disk: a file system of a few megabytes over a folder, to be filled up and emptied again.
//
// A tmpfs in a mount namespace of the calling thread and of what it starts afterwards. Needs root,
// or user namespaces that anyone may make.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace photoscribe::test {

class SmallDisk {
 public:
  /// None, where mounting is not allowed.
  [[nodiscard]] static std::optional<SmallDisk> over(const std::string& folder, int megabytes);
  SmallDisk(SmallDisk&& other) noexcept;
  SmallDisk& operator=(SmallDisk&&) = delete;
  ~SmallDisk();

  /// Takes all space but `left_bytes` (rounded down to pages).
  void fill(std::int64_t left_bytes = 0) const;
  void make_room() const;
  [[nodiscard]] bool make_read_only() const;

 private:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {}
  [[nodiscard]] std::string ballast() const { return folder_ + "/ballast"; }
  std::string folder_;
};

}  // namespace photoscribe::test
