// pause, resume, cancel, drain and retry: verbs that change a run, with or without a running
// scheduler.
#include "ops/cli/verbs/steer_verb.h"

#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/text/escape.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/run/ask.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"

namespace photoscribe::cli {
namespace {

struct SteerOptions {
  explicit SteerOptions(CLI::App& verb) : settings(verb), database(settings) {}
  Settings settings;
  DatabaseOption database;
  ControlRequest request;
  std::vector<std::string> reasons;
  bool failed = false;  // retry --failed
  bool wait = false;
  bool json = false;
};

std::string run_option(const ControlReply& reply) {
  return reply.run == "default" ? "" : " --run " + shown(shell_quoted(reply.run));
}

std::string paused_text(const ControlReply& reply, const std::string& database) {
  const std::string then = "; continue with: photoscribe resume " + database + run_option(reply);
  if (!reply.changed) return "was paused already" + then;
  return (reply.served ? "paused; workers finish what is in hand"
                       : "paused; no scheduler is running, and nothing will be started") +
         then;
}

std::string resumed_text(const ControlReply& reply, const std::string& database) {
  const std::string head = reply.changed ? "goes on" : "was neither paused nor cancelled";
  if (reply.served || reply.pending == 0) return head;
  return head + " when it is run again: photoscribe run -o " + database +
         (reply.run == "default" ? "" : " --new-run " + shown(shell_quoted(reply.run)));
}

std::string cancelled_text(const ControlReply& reply) {
  if (!reply.changed) return "was cancelled already";
  return std::string(reply.served ? "cancelled; photos in hand are finished, no others are started"
                                  : "cancelled") +
         ". To continue, run or resume it";
}

std::string retry_text(const ControlReply& reply, const std::string& database) {
  if (reply.photos == 0) return "no failed photo of that kind";
  std::string out = counted(reply.photos, "photo") + (reply.photos == 1 ? " waits" : " wait") +
                    " for another attempt";
  if (reply.served && reply.control == RunControl::running) return out;
  if (reply.control == RunControl::paused) {
    return out + "; the run is paused: photoscribe resume " + database + run_option(reply);
  }
  return out + "; no scheduler is running: photoscribe run -o " + database +
         (reply.run == "default" ? "" : " --new-run " + shown(shell_quoted(reply.run)));
}

int failed(const SteerOptions& options, const Error& error) {
  const int status = report(std::string(to_string(options.request.verb)).c_str(), error);
  if (options.json) {
    const nlohmann::json object{{"error", replaced(error.message)}, {"exit_status", status}};
    write_all(STDOUT_FILENO, object.dump() + "\n");
  }
  return status;
}

Status complete(SteerOptions& options) {
  if (options.request.verb != ControlVerb::retry) return {};
  Expected<std::vector<Reason>> reasons = reasons_from(options.reasons);
  if (!reasons) return fail(reasons.error());
  options.request.reasons = std::move(*reasons);
  if (options.failed && !options.request.reasons.empty()) {
    return fail(Errc::usage, "--failed means every reason: use it or --reason");
  }
  if (options.failed || !options.request.reasons.empty() || !options.request.run.empty()) return {};
  return fail(Errc::usage,
              "say which photos: --failed (all that failed), --reason timeout,crashed_worker, or "
              "--run NAME (all that failed in that run)");
}

int steer(SteerOptions& options) {
  if (Status good = complete(options); !good) return failed(options, good.error());
  const Expected<DatabasePlace> place = options.database.place();
  if (!place) return failed(options, place.error());
  const Expected<ControlReply> reply = ask_or_do(*place, options.request);
  if (!reply) return failed(options, reply.error());
  if (options.wait) wait_for_writer_to_end(place->database);
  if (options.json) {
    write_all(STDOUT_FILENO, reply_json(*reply));
    return kExitDone;
  }
  write_all(STDOUT_FILENO,
            reply_text(*reply, options.request.verb, shown(shell_quoted(place->database))) + "\n");
  return kExitDone;
}

struct VerbText {
  ControlVerb verb;
  const char* help;
  const char* footer;
};

constexpr VerbText kTexts[] = {
    {ControlVerb::pause, "start no more photos of a run until it is resumed",
     "Photos in hand are finished; the rest leaves Redis and waits in the database. The run stays\n"
     "paused when its scheduler ends: `photoscribe run` says so then and starts nothing.\n"
     "Examples:\n"
     "  photoscribe pause archive.db\n"
     "  photoscribe resume archive.db"},
    {ControlVerb::resume, "continue a paused or cancelled run",
     "Examples:\n"
     "  photoscribe resume archive.db --run 2026"},
    {ControlVerb::cancel, "end a run: nothing more of it is started",
     "Photos in hand are finished, the run's process ends with exit status 4, and what is "
     "recorded\n"
     "stays. `photoscribe run` or resume continues it.\n"
     "Examples:\n"
     "  photoscribe cancel archive.db --wait"},
    {ControlVerb::drain, "end the scheduler of a database as a first Ctrl-C does",
     "Work in hand is finished, the rest is handed back; exit status 4 there. The same command\n"
     "resumes.\n"
     "Examples:\n"
     "  photoscribe drain archive.db --wait && sudo poweroff"},
    {ControlVerb::retry, "retry failed photos of a run",
     "A running scheduler retries them at once, otherwise the next `photoscribe run` does.\n"
     "Examples:\n"
     "  photoscribe retry archive.db --failed\n"
     "  photoscribe retry archive.db --reason timeout,crashed_worker"},
};

}  // namespace

Expected<std::vector<Reason>> reasons_from(const std::vector<std::string>& words) {
  std::vector<Reason> reasons;
  for (const std::string& word : words) {
    std::istringstream list(word);
    for (std::string name; std::getline(list, name, ',');) {
      const auto reason = reason_from_string(name);
      if (!reason) {
        std::string all;
        for (std::size_t i = 0; i < kReasonCount; ++i) {
          all += " " + std::string(to_string(static_cast<Reason>(i)));
        }
        return fail(Errc::usage, "unknown reason \"" + name + "\"; there are:" + all);
      }
      reasons.push_back(*reason);
    }
  }
  return reasons;
}

std::string reply_text(const ControlReply& reply, ControlVerb verb, const std::string& database) {
  const std::string head = "run " + shown(reply.run) + ": ";
  switch (verb) {
    case ControlVerb::pause:
      return head + paused_text(reply, database);
    case ControlVerb::resume:
      return head + resumed_text(reply, database);
    case ControlVerb::cancel:
      return head + cancelled_text(reply);
    case ControlVerb::retry:
      return head + retry_text(reply, database);
    case ControlVerb::submit:
    case ControlVerb::workers:
    case ControlVerb::drain:
      break;
  }
  return reply.served ? "its scheduler is stopping: work in hand is finished, the rest handed back"
                      : "no scheduler is running on " + database;
}

std::string reply_json(const ControlReply& reply) {
  const nlohmann::json object{
      {"run", replaced(reply.run)}, {"control", to_string(reply.control)},
      {"changed", reply.changed},   {"served", reply.served},
      {"photos", reply.photos},     {"pending", reply.pending},
      {"not_seen", reply.not_seen},
  };
  return object.dump() + "\n";
}

void add_steering(CLI::App& app, Action& action) {
  for (const VerbText& text : kTexts) {
    CLI::App* const verb = app.add_subcommand(std::string(to_string(text.verb)), text.help);
    const auto options = std::make_shared<SteerOptions>(*verb);
    options->request.verb = text.verb;
    if (text.verb != ControlVerb::drain) {
      verb->add_option("--run", options->request.run, "the run, where the database has several")
          ->type_name("NAME");
    }
    if (text.verb == ControlVerb::retry) {
      verb->add_flag("--failed", options->failed, "every failed photo");
      verb->add_option("--reason", options->reasons,
                       "those that failed for these reasons (repeatable)")
          ->type_name("R[,R]")
          ->allow_extra_args(false);
    }
    if (text.verb == ControlVerb::drain || text.verb == ControlVerb::cancel) {
      verb->add_flag("--wait", options->wait, "return once its scheduler has ended");
    }
    verb->add_flag("--json", options->json, "one JSON object");
    verb->footer(text.footer);
    verb->callback([options, &action] { action = [options] { return steer(*options); }; });
  }
}

}  // namespace photoscribe::cli
