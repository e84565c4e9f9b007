// finetune_verb: what fit's command line has for going on from a whole model (finetune.h). Private
// to models/train.
#pragma once

#include "models/train/fit.h"

namespace CLI {
class App;
}

namespace photoscribe {

/// --no-teacher.
void add_fine_tuning(CLI::App& verb, FitOptions& options);

/// In a fine-tuning: what was not typed becomes what fits a small archive.
void default_to_fine_tuning(const CLI::App& verb, FitOptions& options);

}  // namespace photoscribe
