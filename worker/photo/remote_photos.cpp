#include "worker/photo/remote_photos.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "common/core/random.h"
#include "common/remote/photo_url.h"
#include "worker/photo/open_failure.h"

namespace photoscribe {

using namespace std::chrono_literals;

namespace {

// A server that is down is no photo's business: two quick tries are for one that is being
// restarted.
constexpr int kTriesOfHost = 2;
constexpr auto kHoldPatience = 10s;  // for a server that asks for time; longer: the task goes back
constexpr auto kProbeLimit = 4s;     // below RootSettings::answer_limit
constexpr auto kControlLimit = 10s;

FaultOf fault_of(Blame blame) {
  return blame == Blame::machine  ? FaultOf::machine
         : blame == Blame::memory ? FaultOf::memory
                                  : FaultOf::storage;
}

/// What an error of S3 says about the account is not the photo's.
void look_for_account(FetchFailure& failure) {
  const std::string code = s3_error_code(failure.body);
  if (code.empty()) return;
  failure.detail += " (" + code + ")";
  if (is_about_account(code)) failure.what = FetchError::account;
}

}  // namespace

RemotePhotos::RemotePhotos(std::string folder, std::shared_ptr<HttpClient> client,
                           Clock::duration patience)
    : folder_(std::move(folder)),
      client_(std::move(client)),
      patience_(patience),
      gate_(client_->settings().connections, client_->settings().rate_per_s) {}

Expected<std::shared_ptr<RemotePhotos>> RemotePhotos::open(std::string folder,
                                                           std::shared_ptr<HttpClient> client,
                                                           Clock::duration patience) {
  const std::shared_ptr<RemotePhotos> made(
      new RemotePhotos(std::move(folder), std::move(client), patience));
  if (Status read = made->read_account(); !read) return fail(read.error());
  return made;
}

// Again at every probe: tokens expire, and are renewed in their file.
Status RemotePhotos::read_account() {
  if (!is_s3(folder_)) return {};
  Expected<S3Account> found = find_s3_account(client_->settings().credentials_file);
  if (!found) return fail(found.error());
  const std::lock_guard lock(mutex_);
  account_ = std::move(*found);
  return {};
}

std::optional<S3Account> RemotePhotos::account() const {
  const std::lock_guard lock(mutex_);
  return account_;
}

void RemotePhotos::note_answer(std::string_view good_path, Clock::time_point asked) {
  const std::lock_guard lock(mutex_);
  answered_ = std::max(answered_, asked);
  if (!good_path.empty()) good_path_ = good_path;
}

void RemotePhotos::note_failure(const FetchFailure& failure) {
  if (failure.what != FetchError::no_such_host && failure.what != FetchError::tls) return;
  const std::lock_guard lock(mutex_);
  if (!unknown_since_) unknown_since_ = Clock::now();
}

RemotePhotos::Got RemotePhotos::request(std::string_view path, bool head, std::int64_t bytes_max,
                                        std::chrono::milliseconds limit,
                                        std::vector<std::uint8_t>& into, bool anew) {
  const std::optional<S3Account> owner = account();
  HttpRequest request;
  request.url = owner ? url_of_object(*owner, folder_, path) : folder_ + "/" + std::string(path);
  request.head = head;
  request.anew = anew;
  request.sign = owner && owner->sign ? &*owner->sign : nullptr;
  request.bytes_max = bytes_max;
  request.limit = limit;
  Got got = client_->get(request, into);
  if (!got && owner) look_for_account(got.error());
  if (!got) note_failure(got.error());
  return got;
}

std::string RemotePhotos::asked_for_time(Clock::duration held) const {
  return folder_ + ": the server asked not to be asked for " +
         std::to_string(std::chrono::ceil<std::chrono::seconds>(held).count()) + " s";
}

RemotePhotos::Got RemotePhotos::try_once(Tries& tries) {
  const HostGate::Pass pass = gate_.enter();
  const auto asked = Clock::now();
  if (!tries.deadline) {
    tries.deadline = asked + std::chrono::seconds(client_->settings().photo_timeout_s);
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*tries.deadline - asked);
  Got got = request(tries.path, false, tries.bytes_max, std::max(left, 1ms), tries.into);
  if (got) {
    note_answer(tries.path, asked);
    return got;
  }
  FetchFailure& failure = got.error();
  if (failure.what == FetchError::status && blame(failure) == Blame::photo) {
    note_answer("", asked);
  }
  if (failure.retry_after) {
    gate_.hold_until(Clock::now() +
                     std::min<Clock::duration>(*failure.retry_after, kRetryAfterMax));
  }
  if (tries.failures++ == 0) tries.first_failed = asked;
  tries.cut_at_the_same =
      failure.what == FetchError::cut && failure.bytes > 0 && failure.bytes == tries.cut_at;
  tries.cut_at = failure.what == FetchError::cut ? failure.bytes : -1;
  return got;
}

Opened<std::size_t> RemotePhotos::read(std::string_view path, std::int64_t bytes_max,
                                       std::vector<std::uint8_t>& into) {
  Tries tries{path, bytes_max, into};
  for (;;) {
    const auto held = gate_.held_for();
    if (held > kHoldPatience || (tries.deadline && Clock::now() + held >= *tries.deadline)) {
      return blame_machine(FaultOf::storage, asked_for_time(held));
    }
    if (held > held.zero()) std::this_thread::sleep_for(held);
    const Got got = try_once(tries);
    if (got) return *got;
    const FetchFailure& failure = got.error();
    const Blame whose = blame(failure);
    if (whose == Blame::photo) return refuse(reason_of(failure), failure.detail);
    if (whose == Blame::machine || whose == Blame::memory ||
        (whose == Blame::host && tries.failures >= kTriesOfHost)) {
      return blame_machine(fault_of(whose), folder_ + ": " + failure.detail);
    }
    const auto wait = wait_before_retry(tries.failures, random_unit(), std::nullopt);
    const bool late = Clock::now() + wait >= *tries.deadline;
    if (late || tries.failures > client_->settings().retries) return judge(tries, failure);
    std::this_thread::sleep_for(wait);
  }
}

Blame RemotePhotos::blame(const FetchFailure& failure) const {
  const std::lock_guard lock(mutex_);
  const bool good = answered_ != Clock::time_point{};
  // Who was redirected had an answer: the name is that of another server.
  const bool may_come = unknown_since_ && Clock::now() - *unknown_since_ < patience_;
  return good || (may_come && !failure.redirected) ? blame_at_good_host(failure)
                                                   : blame_of(failure);
}

// What is not clearly the photo's own goes back, with the reason that it gets if it comes to be
// blamed: by the root's keeper, after many such faults.
Opened<std::size_t> RemotePhotos::judge(const Tries& tries, const FetchFailure& failure) {
  const std::string detail = failure.detail + " (" + std::to_string(tries.failures) +
                             (tries.failures == 1 ? " try)" : " tries)");
  if (is_the_photos_own(tries, failure)) return refuse(reason_of(failure), detail);
  OpenFailure fault;
  fault.environment = true;
  fault.reason = reason_of(failure);
  fault.detail = folder_ + ": " + detail;
  return tl::unexpected(std::move(fault));
}

bool RemotePhotos::is_the_photos_own(const Tries& tries, const FetchFailure& failure) {
  if (blame(failure) == Blame::host) return false;
  bool has_good = false;
  {
    const std::lock_guard lock(mutex_);
    if (answered_ > tries.first_failed) return true;
    has_good = !good_path_.empty() && good_path_ != tries.path;
  }
  if (has_good) return a_good_photo_comes(tries.path);
  const bool says_so = failure.what == FetchError::status && !is_overload(failure.status);
  return (says_so || tries.cut_at_the_same) && check();
}

bool RemotePhotos::a_good_photo_comes(std::string_view other_than) {
  std::string good;
  {
    const std::lock_guard lock(mutex_);
    good = good_path_;
  }
  if (good == other_than) return false;
  constexpr std::int64_t kBytesMax = std::int64_t{1} << 30;
  std::vector<std::uint8_t> bytes;
  const HostGate::Pass pass = gate_.enter();
  const auto asked = Clock::now();
  if (!request(good, false, kBytesMax, kControlLimit, bytes)) return false;
  note_answer(good, asked);
  return true;
}

Status RemotePhotos::check() {
  if (const auto held = gate_.held_for(); held > held.zero()) {
    return fail(Errc::environment, asked_for_time(held));
  }
  if (Status read = read_account(); !read) return fail(Errc::environment, read.error().message);
  if (const std::optional<S3Account> owner = account()) {
    HttpRequest list;
    list.url = url_of_listing(*owner, folder_, "", "", 1);
    list.sign = owner->sign ? &*owner->sign : nullptr;
    list.bytes_max = 1 << 20;
    list.limit = kProbeLimit;
    list.anew = true;
    std::vector<std::uint8_t> page;
    Got got = client_->get(list, page);
    if (!got) look_for_account(got.error());
    return verdict_on_host(got);
  }
  std::string good;
  {
    const std::lock_guard lock(mutex_);
    good = good_path_;
  }
  std::vector<std::uint8_t> none;
  return verdict_on_host(request(good, true, 0, kProbeLimit, none, true));
}

Status RemotePhotos::verdict_on_host(const Got& got) const {
  if (got) return {};
  const FetchFailure& failure = got.error();
  const bool answers = failure.what == FetchError::status ? !is_overload(failure.status)
                                                          : blame(failure) == Blame::photo;
  if (answers) return {};
  return fail(Errc::environment, folder_ + ": " + failure.detail);
}

}  // namespace photoscribe
