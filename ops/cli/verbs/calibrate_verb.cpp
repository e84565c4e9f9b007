// calibrate: labelled photos in, the best blur mode and threshold out.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/core/output_file.h"
#include "common/text/safe_text.h"
#include "ops/cli/calibrate/calibration.h"
#include "ops/cli/config/locate.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/run/child_output.h"
#include "ops/cli/run/thumbnails.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"

namespace photoscribe::cli {
namespace {

struct CalibrateOptions {
  explicit CalibrateOptions(CLI::App& verb) : settings(verb) {}
  Settings settings;
  std::string labels_file, photos_folder, html_file;
  std::vector<std::string> columns;
  double false_reject_rate = 0.01;
  bool prefer_rate = false;
  int resamples = 1000;
  bool json = false;
};

using ModeScores = std::map<std::string, double>;

struct Measurements {
  std::map<std::string, ModeScores> scores;  // by file, as the labels name it
  std::vector<std::string> failed;
};

/// Gets every mode's score of each labelled photo from worker processes, one per core.
class BlurScorer {
 public:
  BlurScorer(const std::vector<Label>& labels, std::string folder, std::string worker,
             const DecodeLimits& limits)
      : labels_(labels), folder_(std::move(folder)), worker_(std::move(worker)), limits_(limits) {}

  Expected<Measurements> run() {
    {
      std::vector<std::jthread> threads;
      const unsigned count = std::max(1U, std::thread::hardware_concurrency());
      for (unsigned i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    }
    if (!failure_) return fail(failure_.error());
    std::sort(result_.failed.begin(), result_.failed.end());
    return std::move(result_);
  }

 private:
  static constexpr std::size_t kAtOnce = 200;  // photos per command line

  void work() {
    for (std::size_t from = next_.fetch_add(kAtOnce); from < labels_.size();
         from = next_.fetch_add(kAtOnce)) {
      const Status measured = measure(from, std::min(labels_.size(), from + kAtOnce));
      if (measured) continue;
      const std::scoped_lock lock(mutex_);
      failure_ = measured;
      next_ = labels_.size();  // the others stop, too
    }
  }

  Status measure(std::size_t from, std::size_t to) {
    std::vector<std::string> words = decoding_command(worker_, "blur", limits_);
    words.emplace_back("--json");
    for (std::size_t i = from; i < to; ++i)
      words.push_back((std::filesystem::path(folder_) / labels_[i].file).string());
    const Expected<ChildOutput> output = run_child(words, std::chrono::minutes(30));
    if (!output) return fail(output.error());
    std::size_t at = from;
    for (std::size_t begin = 0; begin < output->out.size() && at < to; ++at) {
      const std::size_t end = output->out.find('\n', begin);
      const auto line =
          nlohmann::json::parse(output->out.substr(begin, end - begin), nullptr, false);
      begin = end == std::string::npos ? output->out.size() : end + 1;
      if (line.is_discarded()) break;
      take(labels_[at].file, line);
    }
    if (at == to) return {};
    return fail(Errc::environment, "photoscribe-worker blur measured " + std::to_string(at - from) +
                                       " of " + std::to_string(to - from) +
                                       " photos: " + output->err);
  }

  void take(const std::string& file, const nlohmann::json& line) {
    const std::scoped_lock lock(mutex_);
    const auto scores = line.find("scores");
    if (scores == line.end()) {
      result_.failed.push_back(file + ": " + line.value("reason", "not measured"));
    } else {
      result_.scores[file] = scores->get<ModeScores>();
    }
  }

  const std::vector<Label>& labels_;
  std::string folder_, worker_;
  DecodeLimits limits_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  Measurements result_;
  Status failure_;
};

Expected<Calibration> measure_and_calibrate(const CalibrateOptions& options) {
  const Expected<LoadedConfig> loaded = options.settings.load();
  if (!loaded) return fail(loaded.error());
  const auto labels = read_labels(options.labels_file, options.columns);
  if (!labels) return fail(labels.error());
  const Expected<std::string> worker = find_worker(loaded->config);
  if (!worker) return fail(worker.error());
  const std::string folder = std::filesystem::absolute(options.photos_folder).string();
  Expected<Measurements> measured =
      BlurScorer(*labels, folder, *worker, loaded->config.settings.limits).run();
  if (!measured) return fail(measured.error());
  Expected<Calibration> result =
      calibrate(*labels, options.columns, measured->scores, options.false_reject_rate,
                options.prefer_rate, options.resamples);
  if (!result && !measured->failed.empty()) {
    return fail(result.error().code,
                result.error().message + " (such as " + measured->failed.front() + ")");
  }
  if (result) result->not_measured = std::move(measured->failed);
  return result;
}

Status write_page(const CalibrateOptions& options, const Calibration& calibration) {
  constexpr std::size_t kEach = 60;
  const std::vector<MisclassifiedPhoto> wrong = misclassified_photos(calibration, kEach);
  std::vector<std::string> files;
  for (const MisclassifiedPhoto& one : wrong) {
    const auto file = std::filesystem::path(options.photos_folder) / calibration.files[one.photo];
    files.push_back(std::filesystem::absolute(file).string());
  }
  std::vector<std::string> pictures;
  if (!files.empty()) pictures = make_thumbnails(options.settings, files);
  return write_output(options.html_file, calibration_page(calibration, wrong, pictures));
}

int run_calibrate(const CalibrateOptions& options) {
  const Expected<Calibration> calibration = measure_and_calibrate(options);
  if (!calibration) return report("calibrate", calibration.error());
  if (!options.html_file.empty()) {
    if (Status written = write_page(options, *calibration); !written)
      return report("calibrate", written.error());
  }
  const std::string text = options.json ? calibration_json(*calibration)
                                        : calibration_text(*calibration, Ink::of(STDOUT_FILENO));
  write_all(STDOUT_FILENO, text);
  return kExitDone;
}

}  // namespace

void add_calibrate(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand(
      "calibrate", "find the blur mode and threshold for photos that you labelled");
  const auto options = std::make_shared<CalibrateOptions>(*verb);
  verb->add_option("labels", options->labels_file,
                   "CSV with a heading: file,label (blurred or clear) and, if photos belong\n"
                   "together, group")
      ->type_name("LABELS")
      ->required();
  verb->add_option("--photos", options->photos_folder, "the folder that the names are relative to")
      ->type_name("DIR")
      ->required()
      ->check(CLI::ExistingDirectory);
  CLI::Option* const rate =
      verb->add_option("--false-reject", options->false_reject_rate,
                       "use the threshold that rejects at most this share of clear photos instead\n"
                       "of Youden's (the table shows both; 0.01 there by default)")
          ->type_name("SHARE")
          ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--compare", options->columns,
                   "a column of LABELS with another tool's score, lower for blurred photos, to\n"
                   "compare with the modes (repeatable)")
      ->type_name("COLUMN")
      ->allow_extra_args(false);
  verb->add_option("--resamples", options->resamples, "for the intervals (default: 1000)")
      ->type_name("N")
      ->check(CLI::Range(100, 1'000'000));
  verb->add_option("--html", options->html_file,
                   "write a page with the curves and the misclassified photos")
      ->type_name("FILE");
  verb->add_flag("--json", options->json, "one JSON object on standard output");
  verb->footer(
      "A few hundred photos of your own, of both kinds, are enough. Prints the area under the ROC "
      "curve\n"
      "of every blur mode, the best thresholds, and the lines for the configuration file.\n"
      "Examples:\n"
      "  photoscribe calibrate labels.csv --photos ~/Pictures --html errors.html\n"
      "  photoscribe calibrate labels.csv --photos ~/Pictures --false-reject 0.005");
  verb->callback([options, rate, &action] {
    options->prefer_rate = rate->count() > 0;
    action = [options] { return run_calibrate(*options); };
  });
}

}  // namespace photoscribe::cli
