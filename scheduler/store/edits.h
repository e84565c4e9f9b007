// edits: what people make of captions (migrations 0018, 0019). An edit is of a photo, a path in a
// root, whatever the number of runs that have it; the model's caption stays as it is, and neither
// --redo nor another model touches an edit.
//
// Rows are only added. The last one of a photo holds; taking an edit back adds a row, too.
//
// The one thing of a database that is written beside its scheduler: without the lock, in short
// transactions that wait for each other. Errors as Store's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

struct StoreDatabase;  // store_impl.h

/// Where a photo is: of all runs together.
struct PhotoAt {
  std::int64_t root_id = 0;
  std::string path;  // below the root, raw bytes
  std::string uri;   // ResultRow::uri
  bool operator==(const PhotoAt&) const = default;
};

enum class EditAction : std::uint8_t { set, approve, unset };
[[nodiscard]] const char* to_string(EditAction action) noexcept;

struct NewEdit {
  PhotoAt photo;
  EditAction action = EditAction::set;
  std::string caption;  // of set: checked_caption(). Of approve: the model's
};

/// A row of the log.
struct EditRow {
  std::int64_t edit_id = 0;
  std::string uri;
  EditAction action = EditAction::set;
  std::optional<std::string> caption;  // none: from here on the photo has the model's again
  std::string by;
  std::int64_t at_unix_ms = 0;
  std::optional<std::int64_t> undoes;  // the edit that it takes back
};

/// What a photo is called now.
struct CaptionNow {
  std::string state;                    // ResultRow::state, in the run that finished it last
  std::optional<std::string> original;  // the model's there, of an unsure one, too
  std::optional<EditRow> edit;          // that holds; none, or after an unset
  /// What exports show.
  [[nodiscard]] std::optional<std::string> shown() const;
};

struct UndoneEdits {
  std::int64_t undone = 0;
  std::vector<std::string> left;  // uris of the same change that somebody has edited since
};

class Edits {
 public:
  /// Beside a scheduler, too. Fails with store_failure where the schema is older and a scheduler of
  /// before holds the lock; without one, the database is migrated.
  [[nodiscard]] static Expected<Edits> open(const std::string& database);
  [[nodiscard]] static Expected<Edits> open_reader(const std::string& database);
  Edits(Edits&&) noexcept;
  Edits& operator=(Edits&&) = delete;
  ~Edits();

  /// The photos of these names (photo_names.h), in this order. Fails with usage, naming every name
  /// that is none or several.
  [[nodiscard]] Expected<std::vector<PhotoAt>> find(std::span<const std::string> names);
  /// A photo as a line of an export names it: the first that is there of its uri, its root and path
  /// below it, its path in any form that find() knows, and its number.
  struct Named {
    std::string uri, root, path, id;  // empty: not given
  };
  /// One for each, from one reading of the archive.
  [[nodiscard]] Expected<std::vector<Expected<PhotoAt>>> find_each(std::span<const Named> names);

  /// The photo of an image; none when there is no such image.
  [[nodiscard]] Expected<std::optional<PhotoAt>> photo_of(std::int64_t image_id);

  /// One for each; `run` names the run whose caption is meant, empty: the one that finished last.
  [[nodiscard]] Expected<std::vector<CaptionNow>> now(std::span<const PhotoAt> photos,
                                                      const std::string& run = "");

  /// All of them, or none, as one change.
  [[nodiscard]] Status add(std::span<const NewEdit> edits, const std::string& by);

  /// Takes back the last edit of each of these photos that was not taken back before, whoever made
  /// it.
  [[nodiscard]] Expected<UndoneEdits> undo(std::span<const PhotoAt> photos, const std::string& by);
  /// Takes back the last change of `whose` (empty: of anybody) that still holds anywhere.
  [[nodiscard]] Expected<UndoneEdits> undo_last(const std::string& whose, const std::string& by);

  /// The newest first, of all photos or of one; at most `count`.
  [[nodiscard]] Expected<std::vector<EditRow>> log(const std::optional<PhotoAt>& photo,
                                                   std::size_t count);
  /// Edits that hold, by uri, with what the model says (CaptionNow::original).
  [[nodiscard]] Status for_each_holding(
      const std::function<Status(const EditRow&, const CaptionNow&)>& take);

 private:
  explicit Edits(std::unique_ptr<StoreDatabase> database);
  std::unique_ptr<StoreDatabase> database_;
};

/// A caption as people may write it: UTF-8, one line, something to read, at most 2,000 characters;
/// without blanks around it. Fails with usage.
[[nodiscard]] Expected<std::string> checked_caption(std::string_view text);
/// The name of who edits: one line of UTF-8, at most 100 characters.
[[nodiscard]] Expected<std::string> checked_editor(std::string_view name);

}  // namespace photoscribe
