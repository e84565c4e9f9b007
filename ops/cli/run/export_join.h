// export_join: the rows of the user's own table, unchanged, with our columns appended.
//
// Rows are copied one by one: their order, quotes and line ends stay. If two rows name the same
// photo, both get its columns.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "ops/cli/run/export_columns.h"
#include "scheduler/sources/list_options.h"
#include "scheduler/store/lookup.h"

namespace photoscribe::cli {

struct Join {
  std::string file;  // CSV and its relatives, or JSON Lines; "-": standard input
  ListOptions list;  // with an id column, photos are found by the "id" of their list, else by path
  std::vector<ExportColumn> columns;
  BlurMode blur_mode = BlurMode::full;
  CsvStyle style;
  /// A photo's row as it may be exported.
  std::function<ResultRow(ResultRow)> exported_row;
};

/// Rows and photos without a match.
struct Unmatched {
  std::int64_t rows = 0, photos = 0;
  std::vector<std::string> first_rows, first_photos;  // "line 5: a.jpg"; uris
};

/// Passes every row to `add`. Fails as ListReader::open() does, and with usage when the file has no
/// columns or no photo of the run has an id.
[[nodiscard]] Expected<Unmatched> join_rows(Lookup& store, const RunRow& run, const Join& join,
                                            const std::function<Status(std::string_view)>& add);

/// For standard error; empty if everything matched.
[[nodiscard]] std::string to_text(const Unmatched& unmatched, const std::string& file);

}  // namespace photoscribe::cli
