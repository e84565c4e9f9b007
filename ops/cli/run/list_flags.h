// list_flags: the flags that say what a list of photos is and how it is read.
#pragma once

#include <CLI/CLI.hpp>

#include "scheduler/sources/list_options.h"

namespace photoscribe::cli {

/// --path-column, --id-column, --delimiter, --header, --no-header and --root, for a verb whose
/// lists `of` names in the help ("--list", "--join").
void add_list_flags(CLI::App& verb, ListOptions& options, const std::string& of,
                    const std::string& group);

}  // namespace photoscribe::cli
