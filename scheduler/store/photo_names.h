// photo_names: which photo of an archive a person means. Private to scheduler/store.
//
// A photo is named by its number, its `uri`, a path on this machine, a path below its root, or the
// end of one, as long as no other photo ends so. Where several do, all are listed; where none does,
// the nearest name is.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/store/edits.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {

/// Throws SQLite::Exception: for use inside Database::read and write only. What it has learnt of
/// names stays true for as long as the transaction does.
class NamedPhotos {
 public:
  explicit NamedPhotos(sqlite::Database& db);

  /// Fails with usage: none, or several.
  [[nodiscard]] Expected<PhotoAt> find(const std::string& name);
  /// A path below the root of that name; none when there is no such photo.
  [[nodiscard]] std::optional<PhotoAt> in_root(const std::string& root, const std::string& path);
  [[nodiscard]] std::optional<PhotoAt> with_uri(const std::string& uri);
  [[nodiscard]] std::optional<PhotoAt> with_id(std::int64_t image_id);

 private:
  struct RootAt {
    std::int64_t root_id = 0;
    std::string name, folder;
  };
  [[nodiscard]] std::optional<PhotoAt> at(const RootAt& root, const std::string& path);
  [[nodiscard]] std::optional<PhotoAt> at_file(const std::string& absolute);
  /// Photos whose paths below their roots are `name` or end with it; paths that are just `name`
  /// alone, where there are such.
  [[nodiscard]] std::vector<PhotoAt> below_roots(const std::string& name);
  [[nodiscard]] const std::vector<std::pair<std::size_t, std::int64_t>>& base_names();
  [[nodiscard]] std::string nearest(const std::string& name);

  sqlite::Database& db_;
  std::vector<RootAt> roots_;
  /// Hash of a base name, and an image with it; each photo once. Read when first needed.
  std::vector<std::pair<std::size_t, std::int64_t>> base_names_;
  bool has_base_names_ = false;
  int suggestions_left_ = 20;  // each looks at all names
};

}  // namespace photoscribe
