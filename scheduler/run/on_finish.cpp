#include "scheduler/run/on_finish.h"

#include <signal.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <thread>

#include "scheduler/process/child_process.h"
#include "scheduler/run/http_post.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHookStep{20};

bool is_address(std::string_view what) {
  return what.starts_with("http://") || what.starts_with("https://");
}

Event told(EventLevel level, std::string text) {
  Event event;
  event.level = level;
  event.text = "on-finish " + std::move(text);
  return event;
}

std::string as_json(const FinishFacts& facts) {
  nlohmann::ordered_json object;
  for (const auto& [name, value] : facts)
    std::visit([&object, &key = name](const auto& fact) { object[key] = fact; }, value);
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Event post(const FinishCall& call) {
  const Expected<WebAddress> address = parse_web_address(call.what);
  if (!address) return told(EventLevel::warning, address.error().message);
  const Expected<int> status = http_post(*address, as_json(call.facts), call.limit);
  if (!status) return told(EventLevel::warning, address->host + ": " + status.error().message);
  return told(*status / 100 == 2 ? EventLevel::info : EventLevel::warning,
              address->host + ": HTTP status " + std::to_string(*status));
}

ChildCommand command_of(const FinishCall& call, const std::vector<std::string>& words) {
  ChildCommand command;
  command.executable = words.front();
  command.search_path = true;
  command.arguments.assign(words.begin() + 1, words.end());
  command.log_file = call.log_file;
  command.withheld = {"PHOTOSCRIBE_REDIS_PASSWORD", "PHOTOSCRIBE_REDIS_PASSWORD_FILE",
                      "PHOTOSCRIBE_SENTINEL_PASSWORD", "PHOTOSCRIBE_SENTINEL_PASSWORD_FILE"};
  for (const auto& [name, value] : call.facts) {
    std::string variable = "PHOTOSCRIBE_RUN_";
    for (const char c : name) {
      variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    const auto* const text = std::get_if<std::string>(&value);
    const std::string shown = text ? *text : std::to_string(std::get<std::int64_t>(value));
    command.environment.push_back(variable + "=" + shown);
  }
  return command;
}

Event execute(const FinishCall& call) {
  const Expected<std::vector<std::string>> words = split_words(call.what);
  if (!words) return told(EventLevel::warning, words.error().message);
  Expected<ChildProcess> child = ChildProcess::spawn(command_of(call, *words));
  if (!child) return told(EventLevel::warning, child.error().message);
  child->close_stdin();
  const auto limit = std::chrono::steady_clock::now() + call.limit;
  for (;;) {
    if (const auto end = child->poll()) {
      if (end->signal != 0) {
        return told(EventLevel::warning,
                    words->front() + ": killed by signal " + std::to_string(end->signal));
      }
      return told(end->exit_code == 0 ? EventLevel::info : EventLevel::warning,
                  words->front() + ": exit status " + std::to_string(end->exit_code));
    }
    const bool late = std::chrono::steady_clock::now() >= limit;
    if (late || (call.give_up && call.give_up())) {
      ::kill(-child->pid(), SIGKILL);  // with what it started: it has a group of its own
      return told(EventLevel::warning,
                  words->front() + (late ? ": took too long, ended" : ": ended"));
    }
    std::this_thread::sleep_for(kHookStep);
  }
}

}  // namespace

std::string shown_on_finish(const std::string& what) {
  if (!is_address(what)) return what;
  const std::size_t host = what.find("//") + 2;
  const std::size_t end = std::min(what.find_first_of("/?#", host), what.size());
  const std::size_t user = what.rfind('@', end);
  const bool has_user = user != std::string::npos && user >= host;
  return what.substr(0, host) +
         what.substr(has_user ? user + 1 : host, end - (has_user ? user + 1 : host)) + "/…";
}

const char* to_string(RunEnd end) noexcept {
  switch (end) {
    case RunEnd::complete:
      return "complete";
    case RunEnd::incomplete:
      return "incomplete";
    case RunEnd::stopped:
      return "stopped";
    case RunEnd::paused:
      return "paused";
    case RunEnd::cancelled:
      return "cancelled";
    case RunEnd::killed:
      break;
  }
  return "killed";
}

FinishFacts finish_facts(const RunSummary& summary) {
  return {{"name", summary.run},
          {"database", summary.database},
          {"end", std::string(to_string(summary.end))},
          {"total", summary.total},
          {"done", summary.done},
          {"unsure", summary.unsure},
          {"blurred", summary.blurred},
          {"failed", summary.failed},
          {"pending", summary.pending},
          {"done_now", summary.done_now},
          {"unsure_now", summary.unsure_now},
          {"blurred_now", summary.blurred_now},
          {"failed_now", summary.failed_now},
          {"seconds", static_cast<std::int64_t>(summary.wall_s)}};
}

FinishFacts finish_facts(const RunRequest& request, const Error& error) {
  return {{"name", request.run},
          {"database", request.database},
          {"end", std::string("error")},
          {"error", error.message}};
}

Expected<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool last = i + 1 == text.size();
    const bool escapes = c == '\\' && !last && quote != '\'' &&
                         (quote == 0 || text[i + 1] == '"' || text[i + 1] == '\\');
    if (escapes) {
      word += text[++i];
      in_word = true;
    } else if (quote != 0 ? c == quote : (c == '\'' || c == '"')) {
      quote = quote != 0 ? static_cast<char>(0) : c;
      in_word = true;
    } else if (quote == 0 && std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (in_word) words.push_back(std::exchange(word, ""));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) return fail(Errc::usage, "a quotation mark is not closed");
  if (in_word) words.push_back(std::move(word));
  if (words.empty() || words.front().empty()) return fail(Errc::usage, "no command");
  return words;
}

Status check_on_finish(const std::string& what) {
  if (is_address(what)) {
    const Expected<WebAddress> address = parse_web_address(what);
    return address ? Status() : fail(Errc::usage, "on-finish: " + address.error().message);
  }
  const auto words = split_words(what);
  return words ? Status() : fail(Errc::usage, "on-finish: " + words.error().message);
}

Event call_on_finish(const FinishCall& call) {
  return is_address(call.what) ? post(call) : execute(call);
}

}  // namespace photoscribe
