// The verb plot: how trainings went, as a page.
#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/core/output_file.h"
#include "models/train/progress/curve_page.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {
namespace {

struct PlotOptions {
  std::vector<std::string> works;
  std::string html, references;
  std::size_t photos_max = 48;
  bool json = false;
};

std::string time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
  return text.data();
}

Status plot(const PlotOptions& o) {
  std::vector<TrainingWork> works;
  for (const std::string& folder : o.works) {
    auto work = read_training(folder, o.references);
    if (!work) return fail(work.error());
    for (const std::string& note : work->curve.notes)
      std::fprintf(stderr, "note: %s\n", note.c_str());
    works.push_back(std::move(*work));
  }
  if (!o.html.empty())
    if (Status s = write_output(o.html, curve_page(works, o.photos_max, time_now())); !s) return s;
  if (o.json)
    return write_output(
        "-",
        curve_json(works).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return o.html == "-" ? Status() : write_output("-", curve_table(works));
}

}  // namespace

void add_plot(CLI::App& app, Status& status) {
  const auto state = std::make_shared<PlotOptions>();
  CLI::App* verb =
      app.add_subcommand("plot", "Show the progress of trainings, even while they run");
  verb->add_option("WORK", state->works,
                   "Work folders of fit (its --work, else OUTPUT.work), to be compared")
      ->required();
  verb->add_option("--html", state->html,
                   "Write a page that opens offline: loss, BLEU-1..4, CIDEr-D and rate over steps "
                   "and time, and the captions of dev photos from score to score");
  verb->add_flag("--json", state->json, "Print every number and caption as JSON");
  verb->add_option("--references", state->references,
                   "Captions of the dev photos, in any format that fit reads, if the work folder "
                   "has none (it was written by an earlier version)")
      ->check(CLI::ExistingFile);
  verb->add_option("--photos-max", state->photos_max, "Most dev photos on the page")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  verb->footer(
      "photoscribe-train plot mine.work --html mine.html\n"
      "photoscribe-train plot first.work second.work --html both.html\n"
      "Exit status: 0 done, 2 usage or a folder with nothing to show, 3 environment.");
  verb->callback([state, &status] { status = plot(*state); });
}

}  // namespace photoscribe
