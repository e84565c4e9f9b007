#include "models/train/verbs/finetune_verb.h"

#include <CLI/CLI.hpp>

#include "models/train/finetune.h"

namespace photoscribe {

void add_fine_tuning(CLI::App& verb, FitOptions& o) {
  verb.add_flag_callback(
      "--no-teacher", [&o] { o.loss.teacher_share = 0; },
      "Train all words of the initial model, without it as a teacher: the archive's style is "
      "learnt, too, and much is forgotten");
}

void default_to_fine_tuning(const CLI::App& verb, FitOptions& o) {
  if (!is_fine_tuning(o)) return;
  // ops/bench/RESULTS.md has the measurements.
  const auto prefer = [&verb](const char* option, auto& value, auto fitting) {
    if (verb.count(option) == 0) value = fitting;
  };
  // Without a teacher all of it is trained.
  prefer("--rate", o.rate, o.loss.teacher_share > 0 ? 5e-3 : 3e-4);
  prefer("--epochs", o.epochs, 6);
  prefer("--warmup-steps", o.warmup_steps, 10);
  prefer("--dropout", o.loss.dropout, 0.3);
  prefer("--words-count-min", o.words.count_min, 3);
  prefer("--patience", o.patience, o.epochs);
  prefer("--select-by", o.select_by, SelectBy::cider);
}

}  // namespace photoscribe
