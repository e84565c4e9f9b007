// folder_watch: what happens to files in folders and all folders beneath them, by inotify.
//
// It may miss things: the kernel drops events when too many come at once (Heard::lost), has a limit
// on folders, and says nothing of what other machines do on a network file system. Whoever needs
// them all also looks for himself now and then.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"

namespace photoscribe {

struct FileEvent {
  enum class Kind : std::uint8_t {
    written,
    closed,  // after writing; or moved in
    found,   // was in a folder when that came to be watched
    gone,    // removed, or moved away
  };
  Kind kind = Kind::closed;
  std::string path;  // absolute, raw bytes
};

class FolderWatch {
 public:
  /// Fails with environment: this machine gives no more of them.
  [[nodiscard]] static Expected<FolderWatch> open();

  /// Watches a folder and those beneath it; hidden ones, @eaDir and links are left out. False when
  /// some cannot be watched, with why_not().
  bool add(const std::string& folder);
  [[nodiscard]] const std::string& why_not() const { return why_not_; }

  /// Readable when there is something to hear().
  [[nodiscard]] int descriptor() const { return inotify_.get(); }
  struct Heard {
    std::vector<FileEvent> events;
    bool lost = false;
  };
  /// Does not block. New folders are watched from now on, and what is in them already is `found`.
  [[nodiscard]] Heard hear();

  [[nodiscard]] std::size_t folders() const { return folders_.size(); }

 private:
  explicit FolderWatch(FileDescriptor inotify) : inotify_(std::move(inotify)) {}
  bool add_all(const std::string& folder, std::vector<FileEvent>* found);
  void forget_beneath(const std::string& folder);

  FileDescriptor inotify_;
  std::map<int, std::string> folders_;  // by watch
  std::string why_not_;
};

}  // namespace photoscribe
