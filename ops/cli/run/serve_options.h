// serve_options: the page over an archive, for every verb that can show it: `serve`, and `run` and
// `scheduler` beside their work.
#pragma once

#include <memory>
#include <string>

#include "common/core/error.h"
#include "ops/cli/config/settings.h"
#include "ops/serve/site.h"

namespace photoscribe::cli {

struct ServeOptions {
  std::string listen;  // empty: no page
  std::string token_file;
  bool edit = false;
  int cache_mib = 512;
};

/// `where`: the name of the option that says where, such as --listen.
void add_serve_options(CLI::App& verb, ServeOptions& options, const std::string& where,
                       const std::string& group);

/// Starts the page where options.listen says. `where` begins messages. Fails as
/// serve::Site::start().
[[nodiscard]] Expected<std::unique_ptr<serve::Site>> start_site(const ServeOptions& options,
                                                                const Config& config,
                                                                const std::string& where);

/// For --serve: the same, on threads that give way to the work; null when no page was asked for.
/// Says on standard error where it is.
[[nodiscard]] Expected<std::unique_ptr<serve::Site>> page_beside(const ServeOptions& options,
                                                                 const Settings& settings);

}  // namespace photoscribe::cli
