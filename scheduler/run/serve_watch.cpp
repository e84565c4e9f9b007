// Folders that a RunServer watches for its runs.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "common/async/wakeable_timer.h"
#include "scheduler/run/serve.h"
#include "scheduler/run/silent_observer.h"
#include "scheduler/run/submit.h"

namespace photoscribe {
namespace {

constexpr std::chrono::milliseconds kLookWhetherServedEvery{50};
constexpr std::chrono::seconds kWatchAgain{10};  // folders that are not there

/// On a thread that may wait for folders.
asio::awaitable<Expected<WatchedFolders>> plan_folders(StoreThread* store, std::string submission,
                                                       const StopHandle* stop) {
  Expected<RunRequest> request = parse_submission(submission);
  if (!request) co_return fail(request.error());
  SilentObserver silent;
  const std::lock_guard alone(store->mutex());
  co_return plan_watch(store->store(), std::move(*request), silent, *stop);
}

}  // namespace

/// Tries until the folders are there, or the run is no longer served.
asio::awaitable<void> RunServer::watch(RunId id, std::uint64_t number, std::string submission) {
  for (bool told = false;; told = true) {
    Expected<WatchedFolders> folders = co_await asio::co_spawn(
        walkers_, plan_folders(&store_, submission, &stop_), asio::use_awaitable);
    Served* const run = served(id, number);
    if (run == nullptr) co_return;
    Status begun = folders ? begin_watch(*run, std::move(*folders)) : Status(fail(folders.error()));
    if (begun) co_return;
    if (!told) {
      say(EventLevel::warning,
          "run " + run->row.name + ": its folders are not watched yet: " + begun.error().message);
    }
    for (const auto again = Clock::now() + kWatchAgain; Clock::now() < again;) {
      co_await sleep_for(kLookWhetherServedEvery);
      if (served(id, number) == nullptr) co_return;
    }
  }
}

Status RunServer::begin_watch(Served& run, WatchedFolders folders) {
  WatchSettings settings;
  settings.run = run.row.id;
  settings.plan = std::move(folders.plan);
  settings.options = std::move(folders.options);
  settings.rescan_every = std::chrono::seconds(request_.watch_rescan_s);
  PhotoWatch::Calls calls;
  calls.added = [this, id = run.row.id, number = run.number](const RunCounts& counts) {
    asio::post(io_, [this, id, number, counts] {
      if (Served* const now = served(id, number)) now->scheduler->expect_more(counts);
    });
  };
  calls.say = [this, name = run.row.name](const Event& event) {
    asio::post(io_, [this, name, event] { say(event.level, "run " + name + ": " + event.text); });
  };
  auto started = PhotoWatch::start(std::move(settings), store_, std::move(calls));
  if (!started) return fail(started.error());
  run.watch = std::move(*started);
  return {};
}

}  // namespace photoscribe
