// browse: what pages read of an archive, photo by photo and folder by folder, over a connection of
// its own that only reads. Every call is one short transaction, so that the writer's log can be
// emptied; lists of many photos are photo_view.h's.
//
// Not thread-safe: one for each thread (ops/serve has a pool of them).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/core/error.h"
#include "scheduler/store/photo_index.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

struct StoreDatabase;

/// What a gallery shows of a photo.
struct PhotoCard {
  std::int64_t image_id = 0;
  std::int64_t root_id = 0;
  std::string folder, path;  // of its root; relative to it: raw bytes
  std::string uri;           // both as text
  std::int64_t size_bytes = 0, mtime_ns = 0;
  std::string state;  // pending | done | unsure | blurred | failed
  std::optional<std::string> reason;
  std::optional<std::string> caption;         // the model's, of an unsure one, too
  std::optional<std::string> edited_caption;  // what a person made of it
  bool approved = false;                      // edited_caption is the model's, found right
  std::optional<double> confidence;           // confidence_or_mean()
  std::optional<double> blur_score;
  std::optional<int> width_px, height_px;
  std::optional<std::int64_t> finished_unix_ms;
  bool near_duplicate = false, vanished = false;
};

struct CaptionEdit {
  std::string action;  // set | approve | unset
  std::optional<std::string> caption;
  std::string edited_by;
  std::int64_t edited_unix_ms = 0;
};

struct FolderEntry {
  std::string name;       // one part of a path, raw bytes
  bool has_more = false;  // folders in it
};

/// A root with photos of a run.
struct RootEntry {
  std::int64_t root_id = 0;
  Root root;
};

/// When the result of every so many was there.
struct PacePoint {
  std::int64_t results = 0, unix_ms = 0;
};

/// Where a photo's bytes are.
struct PhotoFile {
  std::string folder, path;  // of its root; relative to it: raw bytes
  std::int64_t size_bytes = 0, mtime_ns = 0;
  bool outside_root = false;  // it leads to where the run did not follow
};

class PhotoBrowser {
 public:
  /// Fails as Store::open_reader().
  [[nodiscard]] static Expected<PhotoBrowser> open(const std::string& database);

  /// In the order of the ids; those that are gone are left out.
  [[nodiscard]] Expected<std::vector<PhotoCard>> cards(std::span<const std::int64_t> image_ids);
  [[nodiscard]] Expected<std::optional<PhotoFile>> file(std::int64_t image_id);
  [[nodiscard]] Expected<std::vector<CaptionEdit>> edits(std::int64_t image_id);  // oldest first
  /// Column and value, as lists and archives had them.
  [[nodiscard]] Expected<std::vector<std::pair<std::string, std::string>>> kept_values(
      std::int64_t image_id);

  [[nodiscard]] Expected<std::vector<RootEntry>> roots(RunId run);
  /// Folders directly in `folder` ("" or "a/b") of a root that hold photos of the run, by name;
  /// at most 1,000.
  [[nodiscard]] Expected<std::vector<FolderEntry>> folders(RunId run, std::int64_t root_id,
                                                           const std::string& folder);

  /// Ids of the run's photos: in a folder and below (root 0: in all), by root and path;
  [[nodiscard]] Expected<std::vector<std::int64_t>> in_folder(RunId run, std::int64_t root_id,
                                                              const std::string& folder);
  /// that match a search, best first, 100,000 at most (usage: a query that FTS5 cannot parse);
  [[nodiscard]] Expected<std::vector<std::int64_t>> found(RunId run, const std::string& words,
                                                          bool any_state);
  /// whose caption was edited or approved.
  [[nodiscard]] Expected<std::vector<std::int64_t>> edited(RunId run);

  /// About `points` of the database's results since `since_unix_ms`, of all runs, oldest first.
  [[nodiscard]] Expected<std::vector<PacePoint>> pace(std::int64_t since_unix_ms, int points);
  /// Edits in force by action, without those taken back: set, approved.
  [[nodiscard]] Expected<std::pair<std::int64_t, std::int64_t>> count_edits();

  /// As PhotoIndex::refresh().
  [[nodiscard]] Status refresh(PhotoIndex& index, const std::function<bool()>& give_up = {});
  /// Ends what another thread reads here now, with cancelled. The one call from elsewhere.
  void interrupt();

  PhotoBrowser(PhotoBrowser&&) noexcept;
  PhotoBrowser& operator=(PhotoBrowser&&) = delete;
  ~PhotoBrowser();

 private:
  explicit PhotoBrowser(std::unique_ptr<StoreDatabase> database);
  std::unique_ptr<StoreDatabase> impl_;
};

}  // namespace photoscribe
