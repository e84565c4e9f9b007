#include "scheduler/process/worker_pool.h"

#include <signal.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "common/redis/identity.h"
#include "scheduler/process/private_folder.h"
#include "scheduler/process/process_info.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPoolStep{50};
constexpr milliseconds kMeasureWorkersEvery{500};
constexpr std::int64_t kLogBytesMax = 8 << 20;

}  // namespace

WorkerPool::WorkerPool(asio::io_context& io, WorkerPoolSettings settings, Say say)
    : settings_(std::move(settings)), say_(std::move(say)), timer_(io) {
  for (const ChildCommand& command : settings_.commands) {
    Slot slot;
    slot.command = command;
    slot.policy = RestartPolicy(settings_.restart);
    slots_.push_back(std::move(slot));
  }
}

Status WorkerPool::start() {
  std::vector<std::string> programs;
  for (const ChildCommand& command : settings_.commands)
    programs.push_back(program_name(command.executable));
  stop_left_over_workers(settings_.note_file, programs);
  for (Slot& slot : slots_) {
    slot.sent_to_rest = resting_;
    if (resting_) continue;
    if (Status spawned = spawn(slot); !spawned) {
      for (Slot& started : slots_) started.child.reset();
      return spawned;
    }
  }
  return {};
}

Status WorkerPool::spawn(Slot& slot) {
  rotate_log(slot.command.log_file);
  std::error_code absent;
  const auto size = std::filesystem::file_size(slot.command.log_file, absent);
  slot.log_from = absent ? 0 : static_cast<std::int64_t>(size);
  Expected<ChildProcess> child = ChildProcess::spawn(slot.command);
  if (!child) return fail(child.error());
  slot.child.emplace(std::move(*child));
  if (const auto process = identify_process(slot.child->pid())) {
    // For the next run, should this one be killed: no reason to do without a worker on a full disk.
    (void)append_private_file(settings_.note_file, to_line(*process) + "\n");
  }
  return {};
}

asio::awaitable<void> WorkerPool::watch() {
  while (!ended_) {
    step(Clock::now());
    if (ended_) break;
    co_await timer_.rest(kPoolStep);
  }
}

void WorkerPool::step(Clock::time_point now) {
  measure(now);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.child) {
      if (const auto end = slot.child->poll()) on_end(i, *end, now);
    } else if (!stopping_ && !resting_ && !slot.given_up && now >= slot.start_at) {
      start_again(i, now);
    }
  }
  if (resting_ && !stopping_ && alive() > 0 && now >= kill_at_) kill_all();
  if (!stopping_) return;
  ended_ = alive() == 0;
  std::error_code ignored;
  if (ended_) std::filesystem::remove(settings_.note_file, ignored);
  if (!ended_ && now >= kill_at_) kill();
}

void WorkerPool::on_end(std::size_t index, const ChildEnd& end, Clock::time_point now) {
  Slot& slot = slots_[index];
  slot.child.reset();
  slot.being_replaced = false;
  slot.last_end = describe(end);
  slot.refused = end.signal == 0 && end.exit_code == kWorkerExitUsage;
  if (stopping_) return;
  if (slot.sent_to_rest) {
    slot.start_at = now;
    return;
  }
  const std::string name = "worker " + std::to_string(index + 1) + " " + slot.last_end;
  const bool progressed = finished_ > slot.finished_before;
  slot.finished_before = finished_;
  const RestartDecision next = slot.policy.ended(end, progressed);
  if (next.give_up) {
    slot.given_up = true;
    say(EventLevel::error, name + (slot.refused ? "" : " again and again") + ": given up, see " +
                               slot.command.log_file);
    return;
  }
  slot.start_at = now + next.delay;
  say(EventLevel::warning, name + ": starting it again");
}

void WorkerPool::start_again(std::size_t index, Clock::time_point now) {
  Slot& slot = slots_[index];
  const Status spawned = spawn(slot);
  if (spawned) {
    if (!std::exchange(slot.sent_to_rest, false)) ++restarts_;
    return;
  }
  // No memory, no processes left, an executable that is being replaced: as a death at once.
  slot.last_end = spawned.error().message;
  const RestartDecision next = slot.policy.ended(ChildEnd(), false);
  slot.given_up = next.give_up;
  slot.start_at = now + next.delay;
  say(EventLevel::warning, "worker " + std::to_string(index + 1) + ": " + spawned.error().message);
}

void WorkerPool::measure(Clock::time_point now) {
  if (now < next_measure_) return;
  next_measure_ = now + kMeasureWorkersEvery;
  std::int64_t sum = 0;
  for (const Slot& slot : slots_) {
    if (slot.child) sum += resident_bytes(slot.child->pid());
  }
  peak_bytes_ = std::max(peak_bytes_, sum);
}

void WorkerPool::replace_silent(const std::vector<std::string>& consumers) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.child || slot.being_replaced || slot.sent_to_rest || stopping_) continue;
    const std::string name = redis::consumer_name_of(worker_name_prefix(i), slot.child->pid());
    const bool silent = std::any_of(consumers.begin(), consumers.end(), [&](const auto& consumer) {
      return consumer.starts_with(name);
    });
    if (!silent) continue;
    slot.being_replaced = true;
    say(EventLevel::warning,
        "worker " + std::to_string(i + 1) + " is alive but its heart has stopped: replacing it");
    slot.child->signal(SIGKILL);  // SIGTERM does not reach a process that is stopped
  }
}

void WorkerPool::stop() {
  if (stopping_) return;
  measure(Clock::now());
  stopping_ = true;
  kill_at_ = Clock::now() + settings_.stop_limit;
  for (const Slot& slot : slots_) {
    if (slot.child) slot.child->signal(SIGTERM);
  }
  timer_.wake();
}

void WorkerPool::rest() {
  if (resting_ || stopping_) return;
  resting_ = true;
  kill_at_ = Clock::now() + settings_.stop_limit;
  for (Slot& slot : slots_) {
    if (!slot.child) continue;
    slot.sent_to_rest = true;
    slot.child->signal(SIGTERM);
  }
}

void WorkerPool::wake() { resting_ = false; }

void WorkerPool::kill() {
  stopping_ = true;
  kill_all();
  timer_.wake();
}

void WorkerPool::kill_all() {
  kill_at_ = Clock::time_point::max();
  for (const Slot& slot : slots_) {
    if (slot.child) slot.child->signal(SIGKILL);
  }
}

int WorkerPool::alive() const {
  return static_cast<int>(std::count_if(slots_.begin(), slots_.end(),
                                        [](const Slot& slot) { return slot.child.has_value(); }));
}

bool WorkerPool::given_up() const {
  return !slots_.empty() &&
         std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.given_up; });
}

WorkerPool::LastWords WorkerPool::last_words() const {
  for (const Slot& slot : slots_) {
    if (!slot.given_up) continue;
    const std::string& log = slot.command.log_file;
    return {slot.last_end + "; its log is " + log, last_lines(log, 6, slot.log_from), slot.refused};
  }
  return {};
}

void WorkerPool::say(EventLevel level, std::string text) const {
  Event event;
  event.level = level;
  event.text = std::move(text);
  say_(event);
}

std::string worker_name_prefix(std::size_t index) { return "w" + std::to_string(index + 1); }

std::string describe(const ChildEnd& end) {
  if (end.signal != 0) return "was killed by signal " + std::to_string(end.signal);
  if (end.exit_code == kWorkerExitReplace) return "asked to be replaced";
  return "ended with exit status " + std::to_string(end.exit_code);
}

std::string WorkerPool::last_log_line() const {
  const Slot* latest = nullptr;
  std::filesystem::file_time_type when{};
  for (const Slot& slot : slots_) {
    std::error_code absent;
    const auto written = std::filesystem::last_write_time(slot.command.log_file, absent);
    if (absent || (latest != nullptr && written <= when)) continue;
    latest = &slot;
    when = written;
  }
  return latest == nullptr ? "" : last_lines(latest->command.log_file, 1, latest->log_from);
}

void stop_left_over_workers(const std::string& note_file,
                            const std::vector<std::string>& programs) {
  std::istringstream note(read_private_file(note_file));
  for (std::string line; std::getline(note, line);) {
    if (const auto process = process_from_line(line)) kill_process(*process, programs);
  }
  std::error_code ignored;
  std::filesystem::remove(note_file, ignored);
}

std::string last_lines(const std::string& file, int count, std::int64_t from_byte) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return "";
  const std::streamoff size = in.tellg();
  in.seekg(std::max<std::streamoff>({0, size - 4'096, std::min<std::streamoff>(from_byte, size)}));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t from = text.size();
  for (int i = 0; i < count && from != std::string::npos && from > 0; ++i) {
    from = text.rfind('\n', from - 1);
  }
  return from == std::string::npos || from == 0 ? text : text.substr(from + 1);
}

void rotate_log(const std::string& file) {
  std::error_code ignored;  // a log that cannot be renamed is still a log
  const auto size = std::filesystem::file_size(file, ignored);
  if (ignored || size < kLogBytesMax) return;
  std::filesystem::rename(file, file + ".old", ignored);
}

}  // namespace photoscribe
