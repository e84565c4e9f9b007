#include "scheduler/queue/run_tally.h"

namespace photoscribe {

void RunTally::add_enqueued(std::int64_t tasks, Clock::time_point now) {
  enqueued_ += tasks;
  note_task(now);
}

void RunTally::note_task(Clock::time_point now) {
  if (!first_task_) first_task_ = now;
}

void RunTally::add_recorded(const RecordReport& report, const RunCounts& counts,
                            Clock::time_point now) {
  counts_ = counts;
  done_ += report.done;
  unsure_ += report.unsure;
  blurred_ += report.blurred;
  failed_ += report.failed;
  enqueued_ -= report.recorded + report.requeued;
  if (report.recorded + report.replaced > 0) last_result_ = now;
}

void RunTally::show_in(SchedulerNow& now) const {
  now.counts = counts_;
  now.done = done_;
  now.unsure = unsure_;
  now.blurred = blurred_;
  now.failed = failed_;
  now.enqueued = enqueued_;
  now.first_task = first_task_;
  now.last_result = last_result_;
}

}  // namespace photoscribe
