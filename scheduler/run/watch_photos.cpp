#include "scheduler/run/watch_photos.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "common/archive/archive_kind.h"
#include "scheduler/sources/walk_filter.h"
#include "scheduler/store/image_extensions.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kAtOnce = 5'000;
constexpr std::chrono::seconds kAgainAfterError{5};
constexpr milliseconds kWrittenLately{2'000};  // a walk leaves such files to their close
constexpr milliseconds kArchiveQuiet{500};     // parts of an export come one behind the other
constexpr std::chrono::seconds kAgainAfterUnsettled{5};
constexpr int kWalkShare = 4;  // walks for archives that grow take a fifth of the time at most

milliseconds age_of(std::int64_t mtime_ns) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now - std::chrono::nanoseconds(mtime_ns));
}

/// Whether a program of this machine has it open for writing, which no lease stands beside. False
/// where that cannot be told: on another machine's file system, of another user's file.
bool is_open_for_writing(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid()) return false;
  // A writer that comes this very moment is told by a signal: one that is ignored.
  (void)::fcntl(file.get(), F_SETSIG, SIGURG);
  if (::fcntl(file.get(), F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  (void)::fcntl(file.get(), F_SETLEASE, F_UNLCK);
  return false;
}

std::string place_of(const SourcePlan& plan, const SourceStart& start) {
  const std::string& root = plan.roots[static_cast<std::size_t>(start.root)].folder;
  return start.path.empty() ? root : joined(root, start.path);
}

}  // namespace

Expected<std::unique_ptr<PhotoWatch>> PhotoWatch::start(WatchSettings settings, StoreThread& store,
                                                        Calls calls) {
  Expected<FolderWatch> folders = FolderWatch::open();
  if (!folders) return fail(folders.error());
  Pipe stop = open_pipe();
  if (!stop.read.valid()) return fail(Errc::environment, "watch folders: no pipe to be had");
  return std::unique_ptr<PhotoWatch>(new PhotoWatch(std::move(settings), store, std::move(calls),
                                                    std::move(*folders), std::move(stop)));
}

PhotoWatch::PhotoWatch(WatchSettings settings, StoreThread& store, Calls calls, FolderWatch folders,
                       Pipe stop)
    : settings_(std::move(settings)),
      store_(store),
      calls_(std::move(calls)),
      folders_(std::move(folders)),
      stop_(std::move(stop)),
      thread_([this] { loop(); }) {}

PhotoWatch::~PhotoWatch() {
  stop_.write.reset();
  thread_.join();
}

void PhotoWatch::warn(std::string text) const {
  calls_.say(Event{EventLevel::warning, std::move(text)});
}

void PhotoWatch::loop() {
  watch_folders();
  while (wait(std::min(settling_.next().value_or(rescan_at_), rescan_at_))) {
    const auto now = Clock::now();
    take_in(folders_.hear(), now);
    std::vector<FoundFile> files;
    for (const std::string& path : settling_.take(now)) {
      if (is_archive(path)) {
        closed_.insert(path);
        rescan_at_ = std::min(rescan_at_, now + kArchiveQuiet);
        continue;
      }
      if (std::optional<FoundFile> file = found_file(path)) files.push_back(std::move(*file));
    }
    if (!add(files)) rescan_at_ = now + kAgainAfterError;
    if (now >= rescan_at_) rescan();
  }
}

void PhotoWatch::watch_folders() {
  for (const SourceStart& start : settings_.plan.starts) {
    if (!start.is_file) deaf_ = !folders_.add(place_of(settings_.plan, start)) || deaf_;
  }
  rescan_at_ = Clock::now();  // what came between the run's walk and now
  if (!deaf_) return;
  warn("not every folder can be watched: " + folders_.why_not() + "; looked at every " +
       std::to_string(settings_.rescan_when_deaf.count()) + " s instead");
}

/// False: the end is asked for.
bool PhotoWatch::wait(Clock::time_point until) {
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
  std::array<pollfd, 2> on{{{folders_.descriptor(), POLLIN, 0}, {stop_.read.get(), POLLIN, 0}}};
  const auto wait_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
  if (::poll(on.data(), on.size(), wait_ms) < 0 && errno != EINTR) return false;
  return on[1].revents == 0;
}

void PhotoWatch::take_in(const FolderWatch::Heard& heard, Clock::time_point now) {
  for (const FileEvent& event : heard.events) {
    if (event.kind == FileEvent::Kind::gone) {
      settling_.gone(event.path);
      closed_.erase(event.path);
    }
    if (!is_photo(event.path) && !is_archive(event.path)) continue;
    if (event.kind == FileEvent::Kind::written) settling_.written(event.path);
    if (event.kind == FileEvent::Kind::closed) settling_.closed(event.path, now);
    if (event.kind != FileEvent::Kind::found) continue;
    if (const std::optional<FoundFile> file = found_file(event.path))
      settling_.found(event.path, age_of(file->mtime_ns), now);
  }
  if (!heard.lost) return;
  settling_.forget_writers();
  rescan_at_ = now;
}

bool PhotoWatch::is_photo(const std::string& path) const {
  const std::string_view name = base_name(path);
  return !name.starts_with('.') && (settings_.options.all_files || has_image_extension(name));
}

/// None: it is gone, is none of the run's, or no file.
std::optional<FoundFile> PhotoWatch::found_file(const std::string& path) const {
  const SourcePlan& plan = settings_.plan;
  const bool asked = std::any_of(plan.starts.begin(), plan.starts.end(), [&](const auto& start) {
    return !start.is_file && lies_in(path, place_of(plan, start));
  });
  if (!asked) return std::nullopt;
  FoundFile file;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < plan.roots.size(); ++i) {
    const std::string& folder = plan.roots[i].folder;
    if (!lies_in(path, folder) || folder.size() < longest) continue;
    longest = folder.size();
    file.root = static_cast<int>(i);
  }
  file.path = path.substr(longest == 1 ? 1 : longest + 1);
  struct stat node = {};
  if (!is_wanted(settings_.options, file.path) || ::stat(path.c_str(), &node) != 0 ||
      !S_ISREG(node.st_mode)) {
    return std::nullopt;
  }
  file.size_bytes = node.st_size;
  file.mtime_ns = node.st_mtim.tv_sec * 1'000'000'000 + node.st_mtim.tv_nsec;
  file.inode = static_cast<std::int64_t>(node.st_ino);
  return file;
}

bool PhotoWatch::is_archive(const std::string& path) const {
  const std::string_view name = base_name(path);
  return settings_.options.archives && !name.starts_with('.') && !has_image_extension(name) &&
         has_archive_extension(name);
}

/// Closed, as was heard; or as it was at the last look, and not written lately. What is listed
/// while it grows would lose its first members.
bool PhotoWatch::is_settled(const std::string& path, const FoundFile& file) {
  const auto [before, is_new] = looked_at_.try_emplace(path);
  const std::pair now{file.size_bytes, file.mtime_ns};
  const bool same = std::exchange(before->second, now) == now && !is_new;
  const bool waits = settling_.is_waited_for(path);
  const bool rests = closed_.contains(path) || (same && age_of(file.mtime_ns) >= kWrittenLately);
  const bool settled = !waits && rests && !is_open_for_writing(path);
  unsettled_ = unsettled_ || (!settled && !waits);
  if (!settled) return false;
  closed_.erase(path);
  looked_at_.erase(path);
  return true;
}

/// Written lately, or still: it waits for its close, or for a moment in which nothing is heard.
bool PhotoWatch::is_left_to_settle(const FoundFile& file) {
  const std::string& folder = settings_.plan.roots[static_cast<std::size_t>(file.root)].folder;
  const std::string path = joined(folder, file.path);
  const milliseconds age = age_of(file.mtime_ns);
  if (age < kWrittenLately) settling_.found(path, age, Clock::now());
  return settling_.is_waited_for(path);
}

bool PhotoWatch::must_stop() const {
  pollfd stop{stop_.read.get(), POLLIN, 0};
  return ::poll(&stop, 1, 0) > 0;
}

void PhotoWatch::rescan() {
  const auto began = Clock::now();
  unsettled_ = false;
  const bool walked = walk_once();
  const auto now = Clock::now();
  const auto next = deaf_ ? settings_.rescan_when_deaf : settings_.rescan_every;
  rescan_at_ = now + (walked ? next : std::min(next, kAgainAfterError));
  if (!unsettled_) return;
  const Clock::duration rest =
      std::max<Clock::duration>(kAgainAfterUnsettled, kWalkShare * (now - began));
  rescan_at_ = std::min(rescan_at_, now + rest);
}

/// False: something could not be added.
bool PhotoWatch::walk_once() {
  WalkOptions options = settings_.options;
  {
    const std::lock_guard alone(store_.mutex());
    Expected<std::vector<KnownArchive>> known = store_.store().known_archives(settings_.run);
    if (!known) {
      warn("look for new photos: " + known.error().message);
      return false;
    }
    options.known_archives = std::move(*known);
  }
  options.goes_on = [this] { return !must_stop(); };
  options.is_settled = [this](const std::string& path, const FoundFile& file) {
    return is_settled(path, file);
  };
  Walker walker(settings_.plan, std::move(options));
  bool added = true;
  while (!must_stop()) {
    Expected<std::vector<FoundFile>> files = walker.next(kAtOnce);
    if (!files) {
      warn("look for new photos: " + files.error().message);
      return true;
    }
    if (files->empty()) break;
    std::erase_if(*files, [this](const FoundFile& file) {
      if (file.archive) return file.archive->again;  // its rows are there
      if (file.member) return false;                 // of an archive that has settled
      return is_left_to_settle(file);
    });
    added = add(*files) && added;
  }
  return added;
}

bool PhotoWatch::add(const std::vector<FoundFile>& files) {
  if (files.empty()) return true;
  const std::lock_guard alone(store_.mutex());
  Store& store = store_.store();
  Expected<Scan> scan = store.begin_scan(settings_.run, settings_.plan.roots);
  Status added = scan ? scan->add(files) : Status(fail(scan.error()));
  const Expected<RunCounts> counts = store.counts(settings_.run);
  if (added && !counts) added = fail(counts.error());
  if (added) {
    calls_.added(*counts);
    return true;
  }
  warn("new photos could not be added: " + added.error().message + "; tried again");
  return false;
}

}  // namespace photoscribe
