// remote_photos: the photos of one web server or one bucket of S3, as a root.
//
// A photo that cannot be had is retried here, with backoff. What is left of its failures is the
// photo's own only if others of the same server are answered meanwhile; otherwise it is the
// server's, as a folder's that is not mounted: the task goes back, and check() says when to go on
// (root_keeper.h). A name that leads nowhere and a bad certificate are a photo's own, unless the
// server has answered before: then it is down; or has been so for a short time: then the network of
// this machine, or the server's name, may still be on its way. Every read ends by itself. Any
// thread may call.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/remote/s3.h"
#include "worker/photo/host_gate.h"
#include "worker/photo/open_beneath.h"

namespace photoscribe {

class RemotePhotos {
 public:
  using Clock = std::chrono::steady_clock;
  /// `folder`: https://HOST, http://HOST or s3://BUCKET. A server that never answered and has no
  /// name or a bad certificate counts as down for `patience` from the first such failure on. Fails
  /// with usage: credentials of S3 that cannot be read.
  [[nodiscard]] static Expected<std::shared_ptr<RemotePhotos>> open(
      std::string folder, std::shared_ptr<HttpClient> client,
      Clock::duration patience = Clock::duration::zero());

  /// The size of the photo, whose bytes are at the beginning of `into`. Reasons: http_…, dns, tls,
  /// truncated, too_slow, too_large, private_address.
  [[nodiscard]] Opened<std::size_t> read(std::string_view path, std::int64_t bytes_max,
                                         std::vector<std::uint8_t>& into);

  /// Whether the server answers: a request without a body, in a few seconds. Fails with
  /// environment.
  [[nodiscard]] Status check();

 private:
  using Got = tl::expected<std::size_t, FetchFailure>;
  /// One photo's tries.
  struct Tries {
    std::string_view path;
    std::int64_t bytes_max;
    std::vector<std::uint8_t>& into;
    std::optional<Clock::time_point> deadline{};  // from the first request on
    Clock::time_point first_failed{};
    int failures = 0;
    std::int64_t cut_at = -1;      // bytes of the last try that was cut
    bool cut_at_the_same = false;  // as the one before
  };

  RemotePhotos(std::string folder, std::shared_ptr<HttpClient> client, Clock::duration patience);
  [[nodiscard]] Got try_once(Tries& tries);
  [[nodiscard]] Got request(std::string_view path, bool head, std::int64_t bytes_max,
                            std::chrono::milliseconds limit, std::vector<std::uint8_t>& into,
                            bool anew = false);
  [[nodiscard]] Blame blame(const FetchFailure& failure) const;
  [[nodiscard]] Opened<std::size_t> judge(const Tries& tries, const FetchFailure& failure);
  [[nodiscard]] bool is_the_photos_own(const Tries& tries, const FetchFailure& failure);
  [[nodiscard]] bool a_good_photo_comes(std::string_view other_than);
  [[nodiscard]] std::string asked_for_time(Clock::duration held) const;
  [[nodiscard]] Status verdict_on_host(const Got& got) const;
  void note_answer(std::string_view good_path, Clock::time_point asked);
  void note_failure(const FetchFailure& failure);
  [[nodiscard]] std::optional<S3Account> account() const;
  [[nodiscard]] Status read_account();

  const std::string folder_;
  const std::shared_ptr<HttpClient> client_;
  const Clock::duration patience_;
  HostGate gate_;
  mutable std::mutex mutex_;
  std::optional<S3Account> account_;  // of S3
  std::string good_path_;             // of a photo that came whole; empty: none yet
  Clock::time_point answered_{};      // when the latest request was made that was answered
  std::optional<Clock::time_point> unknown_since_;  // without a name, or with a bad certificate
};

}  // namespace photoscribe
