// on_finish: what a run calls when it ends (--on-finish): a command without a shell, or an address
// that gets a POST.
//
// Called after the database is closed, so that the command may use it. Its answer is reported, and
// changes nothing about the run.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/core/error.h"
#include "scheduler/run/run_batch.h"

namespace photoscribe {

/// The facts about an end, in this order: as PHOTOSCRIBE_RUN_<NAME> in the environment of the
/// command (numbers in decimal), as members of one JSON object in a POST.
using FinishFacts = std::vector<std::pair<std::string, std::variant<std::string, std::int64_t>>>;
[[nodiscard]] FinishFacts finish_facts(const RunSummary& summary);
/// The same for a run that ended with an error.
[[nodiscard]] FinishFacts finish_facts(const RunRequest& request, const Error& error);
[[nodiscard]] const char* to_string(RunEnd end) noexcept;

/// Words between spaces. '…' keeps all between as it is, "…" the same but for \" and \\, and \ in
/// front of any other character that character; nothing is expanded. Fails with usage when a
/// quotation mark is open at the end, or nothing is left.
[[nodiscard]] Expected<std::vector<std::string>> split_words(std::string_view text);

/// Fails with usage: neither words nor an address.
[[nodiscard]] Status check_on_finish(const std::string& what);

/// What others may see of it: a command as it is, but only the host of a URL, since the rest may be
/// a secret.
[[nodiscard]] std::string shown_on_finish(const std::string& what);

struct FinishCall {
  std::string what;      // RunSchedule::on_finish
  std::string log_file;  // of a command: its standard output and error are appended
  FinishFacts facts;
  std::chrono::milliseconds limit{60'000};
  std::function<bool()> give_up;  // asked often; true ends a command at once
};
/// Calls and waits. What came of it, for people: "on-finish notify-send: exit status 0". Says
/// nothing of a command's arguments or of an address behind its host, which may hold secrets.
[[nodiscard]] Event call_on_finish(const FinishCall& call);

}  // namespace photoscribe
