// packed_tars: members of compressed tars, which have no random access. An archive is unpacked once
// and in order, as its tasks come; members that are passed on the way are kept for a while, since
// the threads of a worker ask a little out of order. Only who asks for what lies further back has
// it unpacked again from its start.
//
// Shared by all threads. Bounded: a few archives open, kWindowBytes of members of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/archive/archive_failure.h"
#include "common/core/file_descriptor.h"

namespace photoscribe {

class PackedTars {
 public:
  static constexpr std::size_t kOpenMax = 4;
  static constexpr std::size_t kWindowBytes = std::size_t{64} << 20;
  using OnProgress = std::function<void()>;

  struct Wanted {
    std::string_view name;          // of the row (member_name.h)
    std::int64_t offset = 0;        // in the unpacked tar
    std::int64_t bytes_max = 0;     // a larger one is too_large
    const OnProgress& on_progress;  // called while the archive is unpacked, be it by another thread
  };
  /// The member's bytes. `archive` is the open file.
  [[nodiscard]] FromArchive<std::vector<std::uint8_t>> read(FileDescriptor archive,
                                                            const Wanted& wanted);

  /// How often an archive was unpacked from its start, for tests.
  [[nodiscard]] std::int64_t starts() const;

 private:
  class Stream;
  struct Key {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = 0, mtime_ns = 0;
    bool operator==(const Key&) const = default;
  };
  struct Open {
    Key key;
    std::shared_ptr<Stream> stream;
  };

  [[nodiscard]] std::vector<std::shared_ptr<Stream>> streams_of(const Key& key);
  [[nodiscard]] std::shared_ptr<Stream> start(const Key& key, FileDescriptor archive);

  mutable std::mutex mutex_;
  std::list<Open> open_;  // the latest used in front
  std::int64_t starts_ = 0;
};

}  // namespace photoscribe
