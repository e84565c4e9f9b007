#include "worker/photo/packed_tars.h"

#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

#include "common/archive/member_name.h"
#include "common/archive/tar_reader.h"
#include "worker/photo/archive_member.h"

namespace photoscribe {

/// One archive that is being unpacked, by one thread at a time.
class PackedTars::Stream {
 public:
  explicit Stream(FileDescriptor archive) : file_(std::move(archive)) {}

  /// Whose turn it is, while it lives.
  class Turn {
   public:
    explicit Turn(Stream& stream) : stream_(stream) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      {
        const std::lock_guard lock(stream_.mutex_);
        stream_.busy_ = false;
      }
      stream_.free_.notify_one();
    }

   private:
    Stream& stream_;
  };

  /// Waits. `on_progress` is called only as long as whoever has the turn gets on.
  [[nodiscard]] Turn enter(const OnProgress& on_progress) {
    std::unique_lock lock(mutex_);
    std::uint64_t seen = moved_;
    while (busy_) {
      free_.wait_for(lock, std::chrono::milliseconds(200));
      const std::uint64_t now = moved_;
      if (now != seen && on_progress) on_progress();
      seen = now;
    }
    busy_ = true;
    return Turn(*this);
  }

  // The rest by whoever has the turn.

  [[nodiscard]] bool has(std::int64_t offset) const {
    if (offset >= next_) return true;
    for (const Passed& one : window_) {
      if (one.offset == offset) return true;
    }
    return false;
  }

  /// True when a read of the storage failed: whoever asks next tries again.
  [[nodiscard]] bool must_go() const { return failure_ && failure_->error != 0; }

  [[nodiscard]] FromArchive<std::vector<std::uint8_t>> read(const Wanted& wanted) {
    for (auto one = window_.begin(); one != window_.end(); ++one) {
      if (one->offset != wanted.offset) continue;
      Passed passed = std::move(*one);
      window_.erase(one);
      window_bytes_ -= passed.bytes.size();
      if (!is_member_named(wanted.name, passed.name)) return member_moved();
      return std::move(passed.bytes);
    }
    on_progress_ = &wanted.on_progress;
    auto bytes = advance_to(wanted);
    on_progress_ = nullptr;
    return bytes;
  }

 private:
  struct Passed {
    std::int64_t offset = 0;
    std::string name;
    std::vector<std::uint8_t> bytes;
  };

  void tell() {
    ++moved_;
    if (on_progress_ != nullptr && *on_progress_) (*on_progress_)();
  }

  FromArchive<std::vector<std::uint8_t>> advance_to(const Wanted& wanted) {
    if (failure_) return tl::unexpected(*failure_);
    if (!tar_) {
      auto opened =
          TarReader::open(std::move(file_), ArchiveKind::packed_tar, 0, [this] { tell(); });
      if (!opened) return broken(opened.error());
      tar_.emplace(std::move(*opened));
    }
    for (;;) {
      auto member = tar_->next();
      if (!member) return broken(member.error());
      if (!*member) {
        next_ = INT64_MAX;
        return broken({0, Reason::missing, "the archive has no member there any more"});
      }
      next_ = (*member)->offset + 1;
      if ((*member)->offset == wanted.offset) return take(**member, wanted);
      if ((*member)->offset > wanted.offset) {
        if (auto kept = keep(**member); !kept) return broken(kept.error());
        return member_moved();
      }
      if (auto kept = keep(**member); !kept) return broken(kept.error());
    }
  }

  FromArchive<std::vector<std::uint8_t>> take(const TarMember& member, const Wanted& wanted) {
    if (auto fit = check_member(member.name, wanted.name, member.otherwise, member.size_bytes,
                                wanted.bytes_max);
        !fit) {
      return tl::unexpected(fit.error());
    }
    return read_all(member);
  }

  FromArchive<std::vector<std::uint8_t>> read_all(const TarMember& member) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(member.size_bytes));
    const auto got = tar_->read(bytes);
    if (!got) return broken(got.error());
    if (*got < bytes.size()) return archive_damaged("the member ends early");
    return bytes;
  }

  /// A member on the way: another thread has been given it, or soon will be.
  FromArchive<void> keep(const TarMember& member) {
    if (!member.otherwise.empty() || member.size_bytes <= 0) return {};
    if (static_cast<std::size_t>(member.size_bytes) > kWindowBytes / 4) return {};
    auto bytes = read_all(member);
    if (!bytes) return tl::unexpected(bytes.error());
    window_bytes_ += bytes->size();
    window_.push_back({member.offset, member.name, std::move(*bytes)});
    while (window_bytes_ > kWindowBytes) {
      window_bytes_ -= window_.front().bytes.size();
      window_.pop_front();
    }
    return {};
  }

  tl::unexpected<ArchiveFailure> broken(ArchiveFailure why) {
    failure_ = why;
    return tl::unexpected(std::move(why));
  }

  std::mutex mutex_;
  std::condition_variable free_;
  bool busy_ = false;
  std::atomic<std::uint64_t> moved_{0};
  FileDescriptor file_;
  std::optional<TarReader> tar_;
  std::int64_t next_ = 0;  // the least offset that may still come
  std::optional<ArchiveFailure> failure_;
  std::deque<Passed> window_;
  std::size_t window_bytes_ = 0;
  const OnProgress* on_progress_ = nullptr;
};

std::vector<std::shared_ptr<PackedTars::Stream>> PackedTars::streams_of(const Key& key) {
  std::vector<std::shared_ptr<Stream>> streams;
  const std::lock_guard lock(mutex_);
  for (const Open& one : open_) {
    if (one.key == key) streams.push_back(one.stream);
  }
  return streams;
}

std::shared_ptr<PackedTars::Stream> PackedTars::start(const Key& key, FileDescriptor archive) {
  const std::lock_guard lock(mutex_);
  open_.push_front({key, std::make_shared<Stream>(std::move(archive))});
  if (open_.size() > kOpenMax) open_.pop_back();  // one in use lives on until it is let go
  ++starts_;
  return open_.front().stream;
}

std::int64_t PackedTars::starts() const {
  const std::lock_guard lock(mutex_);
  return starts_;
}

FromArchive<std::vector<std::uint8_t>> PackedTars::read(FileDescriptor archive,
                                                        const Wanted& wanted) {
  struct stat node {};
  if (::fstat(archive.get(), &node) != 0) return archive_unread(errno, std::strerror(errno));
  const Key key{node.st_dev, node.st_ino, node.st_size,
                node.st_mtim.tv_sec * 1'000'000'000 + node.st_mtim.tv_nsec};
  const auto finish = [&](const std::shared_ptr<Stream>& stream) {
    auto bytes = stream->read(wanted);
    const std::lock_guard lock(mutex_);
    for (auto one = open_.begin(); one != open_.end(); ++one) {
      if (one->stream != stream) continue;
      if (stream->must_go()) {
        open_.erase(one);
      } else {
        open_.splice(open_.begin(), open_, one);
      }
      break;
    }
    return bytes;
  };
  for (const auto& stream : streams_of(key)) {
    const auto turn = stream->enter(wanted.on_progress);
    if (stream->has(wanted.offset)) return finish(stream);
  }
  const auto stream = start(key, std::move(archive));
  const auto turn = stream->enter(wanted.on_progress);
  return finish(stream);
}

}  // namespace photoscribe
