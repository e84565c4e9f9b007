// control: what a person may ask of a run, whether its scheduler is running or not; requests and
// answers as one line of JSON each.
//
// Pure: control_socket.h carries the lines, and the process that holds the database's lock applies
// them: the scheduler when one runs (BatchJob), else the verb itself (apply_request). Lines come
// from other processes of the same user, and are checked all the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"
#include "common/core/worker_report.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

class Store;

/// The longest line, of a request or an answer.
inline constexpr std::size_t kControlLineMax = 1 << 20;

enum class ControlVerb : std::uint8_t { pause, resume, cancel, drain, retry, submit, workers };
[[nodiscard]] std::string_view to_string(ControlVerb verb) noexcept;

struct ControlRequest {
  ControlVerb verb = ControlVerb::pause;
  std::string run;                   // empty: the only one there is
  std::vector<Reason> reasons;       // retry: of failures; none: all
  std::vector<std::int64_t> images;  // retry: these alone
  std::string submission;            // submit: the whole line (submit.h)
  bool operator==(const ControlRequest&) const = default;
};

struct ControlReply {
  std::string run;                           // that the request was about; empty for drain
  RunControl control = RunControl::running;  // of that run, now
  bool changed = false;                      // false: it already was
  bool served = false;        // by the process that answered: the request takes effect now
  std::int64_t photos = 0;    // retry: how many are pending again; submit: new or pending again
  std::int64_t pending = 0;   // photos of the run without a final state
  std::int64_t not_seen = 0;  // submit: what could not be read (RunSummary::not_seen_count)
  std::vector<SeenWorker> workers;  // workers: of the scheduler's Redis, whatever they serve
  bool operator==(const ControlReply&) const = default;
};

/// One line, its newline included.
[[nodiscard]] std::string to_line(const ControlRequest& request);
[[nodiscard]] std::string to_line(const Expected<ControlReply>& reply);
/// bad_payload: not a request that this version knows.
[[nodiscard]] Expected<ControlRequest> parse_request(std::string_view line);
/// The reply, or the error that the other process answered; bad_payload when it is neither.
[[nodiscard]] Expected<ControlReply> parse_reply(std::string_view line);

/// The run of that name or, for an empty one, the only one of `runs`; `served` is preferred when it
/// is among several. Fails with usage, naming the runs.
[[nodiscard]] Expected<RunRow> pick_run(const std::vector<RunRow>& runs, const std::string& name,
                                        const std::vector<RunId>& served = {});

/// What a request changed in the database.
struct AppliedRequest {
  RunRow run;  // as it is now
  RunCounts counts;
  ControlReply reply;
};

/// Applies the request to the database (submit: see submit.h); `served`: the runs that the calling
/// process serves. Drain and workers change nothing there. Fails with usage (no such run)
/// or as the store does.
[[nodiscard]] Expected<AppliedRequest> apply_request(Store& store, const ControlRequest& request,
                                                     const std::vector<RunId>& served = {});

}  // namespace photoscribe
