// finetune_verb: the part of fit's command line that continues from a whole model (finetune.h).
// Private to models/train.
#pragma once

#include "models/train/fit.h"

namespace CLI {
class App;
}

namespace photoscribe {

/// --no-teacher.
void add_fine_tuning(CLI::App& verb, FitOptions& options);

/// When fine-tuning, sets options that were not given to values that suit a small archive.
void default_to_fine_tuning(const CLI::App& verb, FitOptions& options);

}  // namespace photoscribe
