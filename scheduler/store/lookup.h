// lookup: what people, reports and exports read of an archive. Changes nothing, so it works on a
// database that is open for reading.
//
// A part of Store (store.h), whose rules hold for every call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

struct StoreDatabase;
struct SearchOutcome;
struct SearchRequest;

class Lookup {
 public:
  // --- runs ---

  [[nodiscard]] Expected<std::optional<RunRow>> find_run(const std::string& name);
  [[nodiscard]] Expected<RunRow> run(RunId run);
  /// All runs, oldest first.
  [[nodiscard]] Expected<std::vector<RunRow>> runs();
  /// set_watched() of those that are watched.
  [[nodiscard]] Expected<std::map<RunId, std::string>> watched_runs();
  /// Roots of the run, in the order in which they were added to the database.
  [[nodiscard]] Expected<std::vector<Root>> roots(RunId run);
  [[nodiscard]] Expected<RunCounts> counts(RunId run);
  [[nodiscard]] Expected<StoreSummary> summary(RunId run);
  /// The last `count` events, newest first.
  [[nodiscard]] Expected<std::vector<StoreEvent>> events(RunId run, std::size_t count);

  // --- images ---

  /// Calls `row` for every image of the run, by image id, in short reads of a page each; stops at
  /// the first error that `row` returns and passes it on.
  [[nodiscard]] Status for_each_result(RunId run,
                                       const std::function<Status(const ResultRow&)>& row);
  /// The same of photos alone, the vanished ones left out: image id and uri.
  [[nodiscard]] Status for_each_photo(
      RunId run, const std::function<void(std::int64_t, const std::string&)>& photo);
  /// Failed images of the run by id, those of `reasons` or all, at most `count`: its dead letters
  /// (design.md 4).
  [[nodiscard]] Expected<std::vector<ResultRow>> failed_images(RunId run,
                                                               std::span<const Reason> reasons,
                                                               std::size_t count);
  /// An image of any run; none if no image has this number.
  [[nodiscard]] Expected<std::optional<ResultRow>> image(std::int64_t image_id);
  /// Its attempts that have a result, first to last.
  [[nodiscard]] Expected<std::vector<AttemptRow>> attempts(std::int64_t image_id);
  /// Where the model looked for each word of its caption; none: that was not kept.
  [[nodiscard]] Expected<std::optional<AttentionMaps>> attention(std::int64_t image_id);
  /// Where an image lies and how its file was when it was last looked at; none if no image has this
  /// number.
  [[nodiscard]] Expected<std::optional<StoredFile>> stored_file(std::int64_t image_id);
  [[nodiscard]] Expected<std::vector<std::string>> references_of(std::int64_t image_id);
  /// Calls `take` for every photo that is searched for (search.h), in order; stops at the first
  /// error that it returns. Fails with `usage` on a query without sense, an unknown run or root.
  [[nodiscard]] Expected<SearchOutcome> search(const SearchRequest& request,
                                               const std::function<Status(const ResultRow&)>& take);
  /// How many results, edits and changes are not in the index of search yet.
  [[nodiscard]] Expected<std::int64_t> search_backlog();
  /// Names of what was kept of any photo, oldest first.
  [[nodiscard]] Expected<std::vector<std::string>> kept_columns();
  /// The run's photo at this place; none if it has no such row.
  [[nodiscard]] Expected<std::optional<ResultRow>> photo_at(RunId run, const std::string& root,
                                                            const std::string& path);
  /// Prepares photo_with(): the run's photos by their value of a kept column; how many have one.
  [[nodiscard]] Expected<std::int64_t> index_kept(RunId run, const std::string& column);
  /// The first photo with this value of the column that index_kept() named last.
  [[nodiscard]] Expected<std::optional<ResultRow>> photo_with(const std::string& value);

 protected:
  explicit Lookup(StoreDatabase& database) : impl_(&database) {}
  Lookup(const Lookup&) = default;
  Lookup& operator=(const Lookup&) = default;
  ~Lookup() = default;

 private:
  StoreDatabase* impl_;
};

}  // namespace photoscribe
