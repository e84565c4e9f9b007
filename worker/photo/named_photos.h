// named_photos: photos that a person names on a command line: files anywhere, members of archives
// as `photos.tar!2019/a.jpg`, the way exports show them, and photos of web servers and buckets by
// their URLs, fetched by a run's rules. A real file of a member's name comes first. Members are
// looked for by name: each archive is listed once.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "common/archive/archive_failure.h"
#include "common/core/remote_settings.h"
#include "worker/photo/open_beneath.h"

namespace photoscribe {

class HttpClient;

class PhotosByName {
 public:
  /// Fails with environment when nothing at all can be opened here.
  [[nodiscard]] static Expected<PhotosByName> open(RemoteSettings remote = {});

  /// Reasons: those of FileBuffer::read(). The bytes are valid until the next call. A server that
  /// does not answer is not asked for the next half minute.
  [[nodiscard]] Opened<std::span<const std::uint8_t>> read(const std::string& file,
                                                           std::int64_t bytes_max);

 private:
  using Clock = std::chrono::steady_clock;
  struct Server {
    PhotoRoot root;
    Clock::time_point silent_until{};
  };
  PhotosByName(PhotoRoot everything, RemoteSettings remote)
      : everything_(std::move(everything)), remote_(std::move(remote)) {}
  [[nodiscard]] Opened<std::span<const std::uint8_t>> read_remote(const std::string& url,
                                                                  std::int64_t bytes_max);
  [[nodiscard]] Expected<Server*> server_of(const std::string& root);
  using Offsets = std::map<std::string, std::int64_t, std::less<>>;
  [[nodiscard]] FromArchive<const Offsets*> members_of(const std::string& archive);

  PhotoRoot everything_;
  RemoteSettings remote_;
  std::shared_ptr<HttpClient> client_;     // once a server is asked
  std::map<std::string, Server> servers_;  // by the root's folder
  FileBuffer buffer_;
  std::string listed_;  // the archive whose members these are
  Offsets offsets_;
};

}  // namespace photoscribe
