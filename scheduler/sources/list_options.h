// list_options: how a person says a list of photos is to be read, where its content does not tell.
#pragma once

#include <optional>
#include <string>

namespace photoscribe {

struct ListOptions {
  std::string root;            // the folder of relative paths; empty: there may be none
  bool from0 = false;          // plain paths that end in NUL, not in a line end
  std::string delimiter;       // of fields: one character or "tab"; empty: found
  std::optional<bool> header;  // the first line names the columns; none: found
  /// Columns by name, or by number from 1. Empty: the path's is found, no column is the id.
  std::string path_column, id_column;
  bool operator==(const ListOptions&) const = default;

  /// Whether only a table has what is asked for.
  [[nodiscard]] bool asks_for_table() const {
    return !delimiter.empty() || header || !path_column.empty() || !id_column.empty();
  }
};

}  // namespace photoscribe
