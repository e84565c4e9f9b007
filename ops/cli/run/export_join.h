// export_join: the rows of somebody's own table, as they are, with our columns behind them.
//
// Rows pass through one by one: their order, quotes and line ends stay. Where two rows name one
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
  ListOptions list;  // with an id column rows are found by what a list gave as "id", else by path
  std::vector<ExportColumn> columns;
  BlurMode blur_mode = BlurMode::full;
  CsvStyle style;
  /// What is shown of a photo.
  std::function<ResultRow(ResultRow)> exported_row;
};

/// What did not find its other half.
struct Unmatched {
  std::int64_t rows = 0, photos = 0;
  std::vector<std::string> first_rows, first_photos;  // "line 5: a.jpg"; uris
};

/// Hands every row to `add`. Fails as ListReader::open() does, with usage when the file has no
/// columns or no photo of the run has an id.
[[nodiscard]] Expected<Unmatched> join_rows(Lookup& store, const RunRow& run, const Join& join,
                                            const std::function<Status(std::string_view)>& add);

/// For standard error; empty when all went up.
[[nodiscard]] std::string to_text(const Unmatched& unmatched, const std::string& file);

}  // namespace photoscribe::cli
