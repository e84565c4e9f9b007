#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/doctor/doctor_checks.h"
#include "ops/cli/doctor/doctor_run.h"
#include "ops/cli/run/workers_here.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"

namespace photoscribe::cli {
namespace {

struct DoctorOptions {
  explicit DoctorOptions(CLI::App& verb) : settings(verb) {}
  Settings settings;
  std::string run;  // empty: the machine
  bool mend = false;
  bool json = false;
};

const char* name_of(CheckHealth health) {
  switch (health) {
    case CheckHealth::good:
      return "good";
    case CheckHealth::warning:
      return "warning";
    case CheckHealth::bad:
      break;
  }
  return "bad";
}

std::string check_text(const Check& check, const Ink& ink) {
  const std::string mark = check.health == CheckHealth::good      ? ink.green(" ok ")
                           : check.health == CheckHealth::warning ? ink.yellow("look")
                                                                  : ink.red("BAD ");
  constexpr std::size_t kName = 12;
  std::string name = check.name;
  name.resize(std::max(kName, name.size()), ' ');
  std::string out = mark + "  " + name + shown(check.finding) + "\n";
  if (!check.cure.empty())
    out += "      " + std::string(kName, ' ') + "to fix: " + check.cure + "\n";
  return out;
}

/// Prints each check as soon as it is done, and the overall result at the end.
class Examination {
 public:
  explicit Examination(bool json) : json_(json), ink_(Ink::of(STDOUT_FILENO)) {}

  void add(const Check& check) {
    worst_ = std::max(worst_, check.health);
    if (!json_) {
      write_all(STDOUT_FILENO, check_text(check, ink_));
      return;
    }
    checks_.push_back({{"name", check.name},
                       {"health", name_of(check.health)},
                       {"finding", replaced(check.finding)},
                       {"cure", replaced(check.cure)}});
  }
  void add(const std::vector<Check>& checks) {
    for (const Check& check : checks) add(check);
  }
  int end_of_run() { return end("\nAll is well.\n", "\nSee above.\n", "\nSee above.\n"); }
  int end(const char* good = "\nAll is well.\n",
          const char* warning =
              "\n"
              "A run would work; see above.\n",
          const char* bad =
              "\n"
              "A run would not work yet; see above.\n") {
    const int status = worst_ == CheckHealth::bad ? kExitEnvironment : kExitDone;
    if (json_) {
      const nlohmann::json object{
          {"health", name_of(worst_)}, {"exit_status", status}, {"checks", checks_}};
      write_all(STDOUT_FILENO, object.dump() + "\n");
    } else {
      write_all(STDOUT_FILENO, worst_ == CheckHealth::good      ? good
                               : worst_ == CheckHealth::warning ? warning
                                                                : bad);
    }
    return status;
  }

 private:
  bool json_;
  Ink ink_;
  CheckHealth worst_ = CheckHealth::good;
  nlohmann::json checks_ = nlohmann::json::array();
};

int doctor(const DoctorOptions& options) {
  const Expected<LoadedConfig> loaded = options.settings.load();
  if (!loaded) return report("doctor", loaded.error());
  const Config& config = loaded->config;
  Examination examination(options.json);
  if (!options.run.empty()) {
    std::error_code absent;
    if (!std::filesystem::exists(config.database, absent)) {
      return report("doctor", Error{Errc::usage, config.database + ": no such database"});
    }
    examination.add(check_one_run(config, options.run, options.mend));
    return examination.end_of_run();
  }
  examination.add(Check{
      "machine", CheckHealth::good,
      counted(std::thread::hardware_concurrency(), "core") + ", " + counted(gpus_here(), "GPU"),
      ""});
  examination.add(check_database(config));
  examination.add(check_disk(config));
  examination.add(check_open_files());
  examination.add(check_redis(config));
  examination.add(check_model(config));
  examination.add(check_worker(config));
  return examination.end();
}

}  // namespace

void add_doctor(CLI::App& app, Action& action) {
  CLI::App* const verb =
      app.add_subcommand("doctor", "check everything that a run needs, and say how to fix it");
  const auto options = std::make_shared<DoctorOptions>(*verb);
  Settings& s = options->settings;
  s.flag("-o,--output", "database", "DB",
         "the database that the run would use (default: archive.db)");
  s.flag("--model", "model", "fast|best|FOLDER",
         "the name of a bundled model, or a model's folder");
  s.flag("--redis", "redis.url", "URL", "check this server instead of a private one");
  CLI::Option* const run =
      verb->add_option("--run", options->run,
                       "check this run instead: its rows, its photos on disk, its tasks in Redis")
          ->type_name("NAME");
  verb->add_flag("--mend", options->mend,
                 "repair rows of the run that contradict each other (no scheduler may be running)")
      ->needs(run);
  verb->add_flag("--json", options->json, "one JSON object");
  verb->footer(
      "Exit status: 0 when a run would work, 3 when something must be fixed first.\n"
      "Example:\n"
      "  photoscribe doctor -o /data/archive.db --redis redis://queue.example:6379\n"
      "  photoscribe doctor -o /data/archive.db --run default --mend");
  verb->callback([options, &action] { action = [options] { return doctor(*options); }; });
}

}  // namespace photoscribe::cli
