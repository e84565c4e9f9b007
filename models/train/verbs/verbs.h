// verbs: the command line of photoscribe-train. Private to models/train.
#pragma once

#include <string>

#include "common/core/error.h"

namespace CLI {
class App;
}

namespace photoscribe {

/// Adds every verb to `app`; parsing runs the given one and puts its outcome into `status`.
/// `command` is the whole command line, for a model's record.
void add_verbs(CLI::App& app, const std::string& command, Status& status);

}  // namespace photoscribe
