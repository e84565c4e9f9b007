// settling: files that are being written, and which of them are complete. Pure: the time is an
// argument.
//
// A file is complete when its writer closes it, or it is moved in whole, and nothing is heard of it
// for a moment: some programs close and open a file again for each of its parts.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace photoscribe {

class Settling {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit Settling(std::chrono::milliseconds quiet = std::chrono::milliseconds(150))
      : quiet_(quiet) {}

  /// Somebody writes to it: not before it is closed.
  void written(const std::string& file) { due_[file].reset(); }
  /// Or moved in.
  void closed(const std::string& file, Time now) { due_[file] = now + quiet_; }
  /// It was there when its folder was first looked at, `age` after it was last written: complete
  /// unless somebody still writes to it.
  void found(const std::string& file, std::chrono::milliseconds age, Time now);
  void gone(const std::string& file) { due_.erase(file); }
  /// What was heard is not all: who writes may have closed.
  void forget_writers();

  [[nodiscard]] bool is_waited_for(const std::string& file) const { return due_.contains(file); }
  /// Those that are complete; each once.
  [[nodiscard]] std::vector<std::string> take(Time now);
  /// When to look again; none: not before something is heard.
  [[nodiscard]] std::optional<Time> next() const;

 private:
  const std::chrono::milliseconds quiet_;
  std::map<std::string, std::optional<Time>> due_;  // none: open for writing
};

}  // namespace photoscribe
