#include "ops/serve/live.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "common/text/utf8.h"

namespace photoscribe::serve {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
constexpr auto kPollEvery = 1s, kWanted = 5s;

std::string text_of(const Expected<ArchiveNow>& now, const std::optional<std::int64_t>& writer) {
  nlohmann::json object{{"writer_pid", nullptr}, {"runs", nlohmann::json::array()}};
  if (writer) object["writer_pid"] = *writer;
  if (!now) {
    object["error"] = replaced(now.error().message);
  } else {
    for (const RunNow& run : now->runs) object["runs"].push_back(now_json(run));
    object["edits"] = now->edited + now->approved;
  }
  return object.dump();
}

}  // namespace

Live::Live(Archive& archive, std::function<std::optional<std::int64_t>()> writer)
    : archive_(archive), writer_(std::move(writer)), thread_([this] { work(); }) {}

Live::~Live() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Expected<ArchiveNow> Live::poll() {
  Expected<ArchiveNow> now = archive_.read([](Reader& reader) -> Expected<ArchiveNow> {
    ArchiveNow found;
    const Expected<std::vector<RunRow>> runs = reader.store.runs();
    if (!runs) return fail(runs.error());
    for (const RunRow& run : *runs) {
      const Expected<RunCounts> counts = reader.store.counts(run.id);
      if (!counts) return fail(counts.error());
      found.runs.push_back({run, *counts, 0, std::nullopt});
    }
    const auto edits = reader.browser.count_edits();
    if (!edits) return fail(edits.error());
    found.edited = edits->first;
    found.approved = edits->second;
    return found;
  });
  if (!now) return now;
  now->writer = writer_().has_value();
  const std::lock_guard<std::mutex> lock(meters_mutex_);
  for (RunNow& run : now->runs) {
    RateMeter& meter = meters_[run.run.id];
    meter.sample(Clock::now(), run.counts.asked.finished());
    run.photos_per_s = now->writer ? std::max(0.0, meter.per_second()) : 0;
    if (const auto left = meter.left(run.counts.asked.pending); left && now->writer) {
      run.left_s = left->count();
    }
  }
  return now;
}

std::optional<std::string> Live::next(std::string& seen) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const bool slept = Clock::now() - asked_ > kWanted;
  asked_ = Clock::now();
  if (slept) changed_.notify_all();  // text_ is out of date
  if (slept || text_.empty() || text_ == seen) return std::nullopt;
  seen = text_;
  return text_;
}

void Live::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ending_) {
    if (Clock::now() - asked_ > kWanted) {
      changed_.wait(lock);
      continue;
    }
    lock.unlock();
    const Expected<ArchiveNow> now = poll();
    std::string text = text_of(now, writer_());
    lock.lock();
    text_ = std::move(text);
    changed_.wait_for(lock, kPollEvery, [&] { return ending_; });
  }
}

}  // namespace photoscribe::serve
