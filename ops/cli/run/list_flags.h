// list_flags: the flags for how a list of photos is read.
#pragma once

#include <CLI/CLI.hpp>

#include "scheduler/sources/list_options.h"

namespace photoscribe::cli {

/// --path-column, --id-column, --delimiter, --header, --no-header and --root. `of` is how the help
/// calls the lists ("lists", "--join").
void add_list_flags(CLI::App& verb, ListOptions& options, const std::string& of,
                    const std::string& group);

}  // namespace photoscribe::cli
