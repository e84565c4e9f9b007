// steer: what the verbs that steer a run share: parsing reasons and printing replies.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "scheduler/control/control.h"

namespace photoscribe::cli {

/// "timeout,crashed_worker" and "missing" → three reasons. Fails with usage, naming all.
[[nodiscard]] Expected<std::vector<Reason>> reasons_from(const std::vector<std::string>& words);

/// One line for people, without its newline. `database`: quoted for a shell.
[[nodiscard]] std::string reply_text(const ControlReply& reply, ControlVerb verb,
                                     const std::string& database);
/// One line of JSON.
[[nodiscard]] std::string reply_json(const ControlReply& reply);

}  // namespace photoscribe::cli
