// open_beneath: the only way in which a worker opens a photo (design.md 6, 11).
//
// A task names a root and a path of raw bytes; whatever is in Redis, nothing outside the root's
// folder is ever opened, and nothing but a regular file is ever opened for reading. Faults of the
// machine (Errc::environment) are kept apart from faults of the photo (a Reason): after the first
// the task is handed back, after the second it ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"
#include "common/core/types.h"

namespace photoscribe {

/// Whose fault it is when it is not the photo's; the task then goes back to the queue.
enum class FaultOf : std::uint8_t {
  storage,  // of what lies behind a root: EIO, ESTALE, a root that is gone
  machine,  // of the whole machine: no file descriptors left
  memory,   // none left: the machine's, or this photo wants too much
};

/// Why no bytes came: the photo's own fault (it ends as `failed`) or not.
struct OpenFailure {
  bool environment = false;  // not the photo's; `reason` then is what it gets if it proves to be
  FaultOf of = FaultOf::storage;
  Reason reason = Reason::unreadable;
  std::string detail;  // one line for a person
};
template <class T>
using Opened = tl::expected<T, OpenFailure>;

class LinkStores;    // link_stores.h
class PackedTars;    // packed_tars.h
class RemotePhotos;  // remote_photos.h

/// A folder of photos with a name. The folder is opened again for each photo, so an archive can be
/// unmounted and mounted again while a worker runs; another device in its place is refused. Or a
/// web server or bucket with a name: then read by remote(), and opened by nothing here.
class PhotoRoot {
 public:
  /// Fails with environment when `folder` is not a folder that can be entered.
  [[nodiscard]] static Expected<PhotoRoot> open(std::string name, std::string folder);
  /// A root whose folder need not be there yet.
  [[nodiscard]] static PhotoRoot awaited(std::string name, std::string folder);
  [[nodiscard]] static PhotoRoot of_server(std::string name, std::string folder,
                                           std::shared_ptr<RemotePhotos> photos);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }
  /// Without links, once it was found with something in it; else as it was given.
  [[nodiscard]] std::string real_folder() const;
  /// Null: a folder.
  [[nodiscard]] RemotePhotos* remote() const noexcept { return remote_.get(); }
  /// Links that leave the root are followed into these.
  void let_links_lead_to(std::shared_ptr<const LinkStores> stores) { stores_ = std::move(stores); }
  /// Its compressed tars that are being unpacked. Shared by copies.
  [[nodiscard]] PackedTars& packed_tars() const noexcept { return *packed_tars_; }

  /// Fails with environment when the folder is gone, empty (as the place of an archive that is not
  /// mounted) or lies on another device than when it was first found with something in it.
  [[nodiscard]] Status check() const;

  /// Opens the regular file at `path` (relative, raw bytes) for reading. Links are followed as long
  /// as they stay beneath the root, or lead to where let_links_lead_to() says. Reasons: missing,
  /// unreadable, not_a_file, outside_root.
  [[nodiscard]] Opened<FileDescriptor> open_file(std::string_view path) const;

  /// The same by walking the path in this process, without openat2: what old kernels and strict
  /// seccomp filters get.
  [[nodiscard]] Opened<FileDescriptor> open_file_by_walking(std::string_view path) const;

 private:
  using Locate = Opened<FileDescriptor> (PhotoRoot::*)(int root, std::string_view path) const;
  PhotoRoot() = default;
  [[nodiscard]] Opened<FileDescriptor> open_with(Locate how, std::string_view path) const;
  [[nodiscard]] Opened<FileDescriptor> enter() const;
  [[nodiscard]] OpenFailure classify(int error, std::string_view path) const;
  [[nodiscard]] Opened<FileDescriptor> locate(int root, std::string_view path) const;
  [[nodiscard]] Opened<FileDescriptor> walk(int root, std::string_view path) const;
  [[nodiscard]] Opened<FileDescriptor> open_located(FileDescriptor located, int root,
                                                    std::string_view path) const;

  [[nodiscard]] Opened<FileDescriptor> walk_or_leave(int root, std::string_view path) const;

  std::string name_, folder_;
  std::shared_ptr<RemotePhotos> remote_;      // none: a folder
  std::shared_ptr<const LinkStores> stores_;  // none: links stay beneath the root
  std::shared_ptr<PackedTars> packed_tars_;
  /// What is known once the folder was found with something in it. Shared by copies.
  struct Found {
    std::mutex mutex;
    std::optional<dev_t> device;
    std::string canonical;  // for absolute links that lead back beneath the root
  };
  [[nodiscard]] Status recognise(int folder, dev_t device) const;
  [[nodiscard]] std::string canonical() const;
  std::shared_ptr<Found> found_ = std::make_shared<Found>();
};

/// By name.
using Roots = std::map<std::string, PhotoRoot, std::less<>>;

/// A buffer for one file at a time. It grows to the largest file and is reused: fresh large
/// allocations page-fault.
class FileBuffer {
 public:
  /// Reads the whole file beneath `root`. Reasons besides those of open_file: empty, too_large
  /// (over `bytes_max`, looked at before reading); of a remote root those of RemotePhotos. The
  /// bytes are valid until the next call.
  [[nodiscard]] Opened<std::span<const std::uint8_t>> read(const PhotoRoot& root,
                                                           std::string_view path,
                                                           std::int64_t bytes_max);

  /// Reads what a task names: that file, or that member of the archive in `path`. Reasons besides:
  /// those of read_archive_member().
  [[nodiscard]] Opened<std::span<const std::uint8_t>> read(
      const PhotoRoot& root, std::string_view path, const std::optional<ArchiveMember>& member,
      std::int64_t bytes_max);

  /// Bytes of memory that it holds on to.
  [[nodiscard]] std::size_t capacity() const noexcept { return storage_.capacity(); }

  /// Bytes that the latest read of a file or a member was to read; 0 when it was not opened.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Called while a read takes long for a good reason: 4 MiB more of a file are there, or a
  /// compressed archive is unpacked up to the photo. None: nobody is told.
  void report_progress_to(std::function<void()> on_progress) {
    on_progress_ = std::move(on_progress);
  }

 private:
  [[nodiscard]] std::span<std::uint8_t> room(std::size_t bytes);

  [[nodiscard]] Opened<std::span<const std::uint8_t>> read_remote(RemotePhotos& photos,
                                                                  std::string_view path,
                                                                  std::int64_t bytes_max);
  std::vector<std::uint8_t> storage_;
  std::size_t size_ = 0;
  std::function<void()> on_progress_;
};

/// True for errno values that say something about the machine and nothing about one photo.
[[nodiscard]] bool is_environment_errno(int error) noexcept;
/// Whose fault such an errno is.
[[nodiscard]] FaultOf fault_of_errno(int error) noexcept;

}  // namespace photoscribe
