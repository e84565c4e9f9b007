#include "scheduler/queue/withdrawal.h"

#include <algorithm>

namespace photoscribe {
namespace {

constexpr int kWithdrawAtOnce = 1'000;
constexpr std::chrono::seconds kCancelPatience{30};  // without a result of what is in hand

}  // namespace

Withdrawal::Withdrawal(redis::SchedulerQueue& queue, const RunKeys& keys, Feeder& feeder)
    : queue_(queue), keys_(keys), feeder_(feeder) {}

void Withdrawal::begin(std::int64_t enqueued) {
  state_ = State::under_way;
  in_hand_ = enqueued;
}

void Withdrawal::look_again() {
  if (state_ == State::complete) state_ = State::under_way;
}

asio::awaitable<Status> Withdrawal::take_out() {
  co_await feeder_.come_to_rest();
  for (int taken = kWithdrawAtOnce; taken == kWithdrawAtOnce;) {
    const Expected<redis::Withdrawn> out =
        co_await queue_.withdraw(keys_.incarnation(), keys_.fence(), kWithdrawAtOnce);
    if (!out) co_return fail(out.error());
    if (out->fenced_off) {
      co_return fail(Errc::run_gone, "withdraw: the fence in Redis is another scheduler's");
    }
    for (const redis::Withdrawn::Charged& one : out->charged) {
      charged_[ImageAttempt{one.image_id, one.attempt}] = one.deliveries;
    }
    taken = out->tasks;
  }
  if (state_ == State::under_way) state_ = State::complete;
  co_return Status();
}

void Withdrawal::observe(const redis::Look& seen) {
  in_hand_ = seen.pending + seen.results_length;
  if (seen.undelivered) look_again();  // handed back, or of a worker that died
}

void Withdrawal::restore_charges(std::vector<Task>& tasks) {
  for (Task& task : tasks) {
    const auto known = charged_.find(ImageAttempt{task.image_id, task.attempt});
    if (known != charged_.end()) task.deliveries = known->second;  // kept: the XADD may be lost
  }
}

bool is_cancel_over(std::int64_t in_hand, std::chrono::steady_clock::time_point cancelled_at,
                    const std::optional<std::chrono::steady_clock::time_point>& last_result,
                    std::chrono::milliseconds lease, std::chrono::steady_clock::time_point now) {
  const auto moved = std::max(cancelled_at, last_result.value_or(cancelled_at));
  return in_hand == 0 || now - moved > kCancelPatience + lease;
}

}  // namespace photoscribe
