#include "ops/cli/run/list_flags.h"

namespace photoscribe::cli {

void add_list_flags(CLI::App& verb, ListOptions& options, const std::string& of,
                    const std::string& group) {
  const auto column = [&](const char* flag, std::string& value, const std::string& help) {
    verb.add_option(flag, value, help)->type_name("COLUMN")->group(group);
  };
  verb.add_option("--root", options.root, "the folder of relative paths in " + of)
      ->type_name("DIR")
      ->group(group);
  column("--path-column", options.path_column,
         "the column of " + of + " with the paths, by name or number (default: found)");
  column("--id-column", options.id_column,
         "the column of " + of + " with your own number or name of each photo; kept as \"id\"");
  verb.add_option("--delimiter", options.delimiter,
                  "what separates fields: one character, or \"tab\" (default: found)")
      ->type_name("CHAR")
      ->group(group);
  auto* const with = verb.add_flag_callback(
      "--header", [&options] { options.header = true; }, "the first line names the columns");
  auto* const without = verb.add_flag_callback(
      "--no-header", [&options] { options.header = false; },
      "the first line is a photo like the others");
  with->group(group)->excludes(without);
  without->group(group);
}

}  // namespace photoscribe::cli
