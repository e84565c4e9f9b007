// list_reader: the entries of a list of photos, one after the other, in any of its forms.
//
// What is wrong in an entry is said of that entry alone; the rest is read on. Paths come as the
// list has them: where they lie is listed_paths.h's business.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "scheduler/sources/list_file.h"
#include "scheduler/sources/list_shape.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

struct ListEntry {
  std::int64_t line = 0;   // where it begins
  std::string path;        // raw bytes; of a uri the bytes that its %XX mean
  std::string id;          // of the column that was named for it
  KeptValues kept;         // the other columns, the id as "id"; UTF-8
  bool heading = false;    // of next_record(): it names the columns
  std::size_t fields = 0;  // of a table: how many there are
  std::string fault;       // not empty: why there is no path, or why `kept` has nothing
};

class ListReader {
 public:
  /// Fails with usage when it has no path, naming the list.
  [[nodiscard]] static Expected<ListReader> open(const ListFile& file, const ListOptions& options);

  [[nodiscard]] const ListShape& shape() const noexcept { return shape_; }
  /// The next entry, blank lines left out; false at the end. Fails with environment.
  [[nodiscard]] Expected<bool> next(ListEntry& entry);
  /// The same, with blank lines and the heading as entries without a path and without a fault:
  /// what a copy needs. raw() is the record's text, with its line end.
  [[nodiscard]] Expected<bool> next_record(ListEntry& entry);
  [[nodiscard]] std::string_view raw() const noexcept { return record_; }

 private:
  ListReader(const ListFile& file, ListShape shape);
  [[nodiscard]] Status read_table(ListEntry& entry);
  void read_json(ListEntry& entry) const;
  [[nodiscard]] Status complete_record(std::vector<std::string>& fields);

  ListShape shape_;
  ListLines lines_;
  std::string record_;
  bool heading_next_;
  int lines_before_;
};

/// %XX as bytes, and what a file:// in front means. A web server's address stays as it is.
[[nodiscard]] std::string path_of_uri(std::string_view uri);

}  // namespace photoscribe
