// list_shape: which form a list of photos has, judged by its beginning: plain paths, CSV and its
// relatives, or JSON Lines; and which columns it has.
//
// A pure function of bytes but for one question that only the file system answers: whether
// "a, b.jpg" is a path with a comma in it or two fields.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "scheduler/sources/list_options.h"
#include "scheduler/sources/list_text.h"

namespace photoscribe {

enum class ListForm : std::uint8_t { plain, nul, table, json_lines };

struct ListShape {
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  ListForm form = ListForm::plain;
  char delimiter = ',';              // table
  bool header = false;               // table: the first record names the columns
  std::vector<std::string> columns;  // table: a name each, none twice; UTF-8
  std::size_t path = 0, id = kNone;  // table: indexes into columns
  std::string path_name, id_name;    // json_lines: members; an empty id_name: none
  char line_end = '\n';              // NUL, or CR where an old Mac wrote it
  int lines_before = 0;              // table: of Excel's "sep=;"
  bool is_our_export = false;        // the database has the other columns already
  bool path_is_uri = false;          // %XX are bytes, as in our own exports
};

/// Whether there is a file of that name, as the list has it.
using Exists = std::function<bool(const std::string&)>;

/// `beginning` is all of the list when `whole`. Fails with usage, saying what the list is instead
/// or which columns there are.
[[nodiscard]] Expected<ListShape> shape_of_list(std::string_view beginning, bool whole,
                                                const ListOptions& options, const Exists& exists);

}  // namespace photoscribe
