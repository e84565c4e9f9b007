// lookup: what people, reports and exports read of an archive. Changes nothing, so it works on a
// database that is open for reading.
//
// A part of Store (store.h), whose rules hold for every call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

struct StoreDatabase;

class Lookup {
 public:
  // --- runs ---

  [[nodiscard]] Expected<std::optional<RunRow>> find_run(const std::string& name);
  [[nodiscard]] Expected<RunRow> run(RunId run);
  /// All runs, oldest first.
  [[nodiscard]] Expected<std::vector<RunRow>> runs();
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
  /// Failed images of the run by id, those of `reasons` or all, at most `count`: its dead letters
  /// (design.md 4).
  [[nodiscard]] Expected<std::vector<ResultRow>> failed_images(RunId run,
                                                               std::span<const Reason> reasons,
                                                               std::size_t count);
  /// An image of any run; none if no image has this number.
  [[nodiscard]] Expected<std::optional<ResultRow>> image(std::int64_t image_id);
  /// Its attempts that have a result, first to last.
  [[nodiscard]] Expected<std::vector<AttemptRow>> attempts(std::int64_t image_id);
  /// Where an image lies and how its file was when it was last looked at; none if no image has this
  /// number.
  [[nodiscard]] Expected<std::optional<StoredFile>> stored_file(std::int64_t image_id);
  /// What a person made of the photo's caption, if that holds.
  [[nodiscard]] Expected<std::optional<EditedCaption>> edited_caption(std::int64_t image_id);
  [[nodiscard]] Expected<std::vector<std::string>> references_of(std::int64_t image_id);
  /// Current captions that match an FTS5 query, best first. Fails with `usage` on a malformed
  /// query.
  [[nodiscard]] Expected<std::vector<ResultRow>> search(const std::string& query,
                                                        std::size_t count);

 protected:
  explicit Lookup(StoreDatabase& database) : impl_(&database) {}
  Lookup(const Lookup&) = default;
  Lookup& operator=(const Lookup&) = default;
  ~Lookup() = default;

 private:
  StoreDatabase* impl_;
};

}  // namespace photoscribe
