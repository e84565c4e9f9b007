// run_summary: a finished run as text for people and as JSON for programs.
#pragma once

#include <string>
#include <vector>

#include "common/core/blur.h"
#include "ops/cli/terminal/terminal.h"
#include "scheduler/run/run_batch.h"

namespace photoscribe::cli {

/// Several lines, each ended. `command` is what was typed, for advice on what to type next.
[[nodiscard]] std::string summary_text(const RunSummary& summary, const BlurSettings& blur,
                                       const std::vector<std::string>& command, const Ink& ink);

/// One JSON object in one line, ended. Rates and times in seconds, BLEU on the scale of 0 to 100.
[[nodiscard]] std::string summary_json(const RunSummary& summary, const BlurSettings& blur,
                                       int exit_status);

/// 0, 1 (photos failed, or something could not be read), 4 or 130.
[[nodiscard]] int exit_status_of(const RunSummary& summary);

}  // namespace photoscribe::cli
