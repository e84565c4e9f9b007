#include "scheduler/store/edits.h"

#include <algorithm>
#include <iterator>

#include "common/sqlite/storage.h"
#include "common/text/utf8.h"
#include "migrations/migrations.h"
#include "scheduler/store/photo_names.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

constexpr int kBusyTimeoutMs = 30'000;  // a scan of millions may write for so long
constexpr std::size_t kCaptionMax = 2'000, kEditorMax = 100;  // characters

EditAction action_from(std::string_view name) {
  if (name == "approve") return EditAction::approve;
  return name == "unset" ? EditAction::unset : EditAction::set;
}

/// Of: edit_id, root.folder, path, action, caption, edited_by, edited_unix_ms, undoes.
EditRow read_edit(const sqlite::Query& row) {
  return {row.integer(0),
          uri_of(row.text(1), row.text(2)),
          action_from(row.text(3)),
          row.optional_text(4),
          row.text(5),
          row.integer(6),
          row.optional_integer(7)};
}

std::optional<EditRow> holding_edit(sqlite::Database& db, const PhotoAt& photo) {
  auto row = db.query(
      "SELECT edit_id, root.folder, path, action, caption, edited_by, edited_unix_ms, undoes "
      "FROM caption_edit JOIN root USING (root_id) WHERE root_id = ? AND path = ? "
      "ORDER BY edit_id DESC LIMIT 1");
  if (!row.with(photo.root_id, sqlite::Blob{photo.path}).step() || row.is_null(4)) {
    return std::nullopt;
  }
  return read_edit(row);
}

CaptionNow caption_now(sqlite::Database& db, const PhotoAt& photo, const std::string& run) {
  CaptionNow now;
  // The order is that of the view caption_result_latest.
  auto row = db.query(
      "SELECT image.verdict, result.caption FROM image JOIN run USING (run_id) "
      "LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt "
      "WHERE root_id = ?1 AND path = ?2 AND (?3 = '' OR run.name = ?3) "
      "ORDER BY result.finished_unix_ms DESC NULLS LAST, image.run_id DESC LIMIT 1");
  if (row.with(photo.root_id, sqlite::Blob{photo.path}, run).step()) {
    now.state = row.text(0);
    now.original = row.optional_text(1);
  }
  now.edit = holding_edit(db, photo);
  return now;
}

std::int64_t next_edit(sqlite::Database& db) {
  auto row = db.query("SELECT coalesce(max(edit_id), 0) + 1 FROM caption_edit");
  row.step();
  return row.integer(0);
}

struct NewRow {
  const PhotoAt& photo;
  EditAction action = EditAction::set;
  std::optional<std::string> caption;
  std::int64_t change_id = 0;
  std::optional<std::int64_t> undoes;
};

void add_row(sqlite::Database& db, const NewRow& edit, const std::string& by, std::int64_t at) {
  db.query(
        "INSERT INTO caption_edit (root_id, path, action, caption, edited_by, edited_unix_ms, "
        "change_id, undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .with(edit.photo.root_id, sqlite::Blob{edit.photo.path}, to_string(edit.action), edit.caption,
            by, at, edit.change_id, edit.undoes)
      .run();
}

/// The last edit of a photo that neither takes one back nor was taken back.
std::optional<std::int64_t> last_edit(sqlite::Database& db, const PhotoAt& photo) {
  auto row = db.query(
      "SELECT edit_id FROM caption_edit AS made WHERE root_id = ? AND path = ? AND undoes IS NULL "
      "AND NOT EXISTS (SELECT 1 FROM caption_edit AS back WHERE back.undoes = made.edit_id) "
      "ORDER BY edit_id DESC LIMIT 1");
  if (!row.with(photo.root_id, sqlite::Blob{photo.path}).step()) return std::nullopt;
  return row.integer(0);
}

/// What held before: every row is the whole state of its photo.
void take_back(sqlite::Database& db, const PhotoAt& photo, std::int64_t edit,
               std::int64_t change_id, const std::string& by) {
  EditAction action = EditAction::unset;
  std::optional<std::string> caption;
  {
    auto row = db.query(
        "SELECT action, caption FROM caption_edit WHERE root_id = ? AND path = ? AND edit_id < ? "
        "ORDER BY edit_id DESC LIMIT 1");
    if (row.with(photo.root_id, sqlite::Blob{photo.path}, edit).step()) {
      action = action_from(row.text(0));
      caption = row.optional_text(1);
    }
  }
  add_row(db, {photo, action, caption, change_id, edit}, by, now_unix_ms());
}

/// Edits of one change that were not taken back.
std::vector<std::pair<std::int64_t, PhotoAt>> edits_of(sqlite::Database& db, std::int64_t change) {
  std::vector<std::pair<std::int64_t, PhotoAt>> all;
  auto row = db.query(
      "SELECT edit_id, root_id, path, root.folder FROM caption_edit AS made "
      "JOIN root USING (root_id) WHERE edit_id >= ?1 AND (change_id = ?1 OR edit_id = ?1) "
      "AND NOT EXISTS (SELECT 1 FROM caption_edit AS back WHERE back.undoes = made.edit_id) "
      "ORDER BY edit_id");
  row.with(change);
  while (row.step()) {
    const std::string path = row.text(2);
    all.push_back({row.integer(0), {row.integer(1), path, uri_of(row.text(3), path)}});
  }
  return all;
}

/// The last change of `whose` of which an edit is still the last of its photo.
std::optional<std::int64_t> last_change(sqlite::Database& db, const std::string& whose) {
  auto row = db.query(
      "SELECT coalesce(change_id, edit_id), edit_id, root_id, path FROM caption_edit AS made "
      "WHERE undoes IS NULL AND (?1 = '' OR edited_by = ?1) "
      "AND NOT EXISTS (SELECT 1 FROM caption_edit AS back WHERE back.undoes = made.edit_id) "
      "ORDER BY edit_id DESC");
  row.with(whose);
  while (row.step()) {
    if (last_edit(db, {row.integer(2), row.text(3), ""}) == row.integer(1)) return row.integer(0);
  }
  return std::nullopt;
}

/// Characters of one line of text; none: it is not one.
std::optional<std::size_t> length_of_line(std::string_view text) {
  std::size_t length = 0;
  bool one_line = true;
  for_each_character(text, [&](const Character& one) {
    ++length;
    const char32_t c = one.code_point;
    one_line = one_line && one.is_utf8() && c >= 0x20 && (c < 0x7f || c > 0x9f) && c != 0x2028 &&
               c != 0x2029;
  });
  if (!one_line) return std::nullopt;
  return length;
}

Expected<std::string> checked(std::string_view text, std::size_t most, const std::string& what) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return fail(Errc::usage, what + " is empty");
  text = text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
  if (!is_valid_utf8(text)) return fail(Errc::usage, what + " is not UTF-8");
  const std::optional<std::size_t> length = length_of_line(text);
  if (!length) {
    return fail(Errc::usage, what + " has a line break or another control character in it");
  }
  if (*length > most) {
    return fail(Errc::usage, what + " has " + std::to_string(*length) + " characters; at most " +
                                 std::to_string(most));
  }
  return std::string(text);
}

}  // namespace

const char* to_string(EditAction action) noexcept {
  switch (action) {
    case EditAction::approve:
      return "approve";
    case EditAction::unset:
      return "unset";
    case EditAction::set:
      break;
  }
  return "set";
}

std::optional<std::string> CaptionNow::shown() const {
  if (edit) return edit->caption;
  return state == "done" ? original : std::nullopt;
}

Expected<std::string> checked_caption(std::string_view text) {
  return checked(text, kCaptionMax, "the caption");
}
Expected<std::string> checked_editor(std::string_view name) {
  return checked(name, kEditorMax, "the name of who edits");
}

Edits::Edits(std::unique_ptr<StoreDatabase> database) : database_(std::move(database)) {}
Edits::Edits(Edits&&) noexcept = default;
Edits::~Edits() = default;

Expected<Edits> Edits::open(const std::string& database) {
  auto db = sqlite::Database::open(database, sqlite::Mode::read_write, kBusyTimeoutMs);
  if (!db) return fail(db.error());
  if (migrations::check(*db)) {
    return Edits(std::make_unique<StoreDatabase>(std::nullopt, std::move(*db)));
  }
  auto migrated = StoreDatabase::open_locked(database);
  if (!migrated) return fail(migrated.error());
  (*migrated)->lock.reset();
  return Edits(std::move(*migrated));
}

Expected<Edits> Edits::open_reader(const std::string& database) {
  auto db = sqlite::Database::open(database, sqlite::Mode::read_only);
  if (!db) return fail(db.error());
  if (Status known = migrations::check(*db); !known) return fail(known.error());
  return Edits(std::make_unique<StoreDatabase>(std::nullopt, std::move(*db)));
}

Expected<std::vector<PhotoAt>> Edits::find(std::span<const std::string> names) {
  sqlite::Database& db = database_->db;
  return db.read("look for photos", [&]() -> Expected<std::vector<PhotoAt>> {
    NamedPhotos known(db);
    std::vector<PhotoAt> found;
    std::string unknown;
    for (const std::string& name : names) {
      Expected<PhotoAt> one = known.find(name);
      if (one) {
        if (std::find(found.begin(), found.end(), *one) == found.end()) found.push_back(*one);
      } else {
        unknown += (unknown.empty() ? "" : "; ") + one.error().message;
      }
    }
    if (!unknown.empty()) return fail(Errc::usage, unknown);
    return found;
  });
}

Expected<std::vector<Expected<PhotoAt>>> Edits::find_each(std::span<const Named> names) {
  sqlite::Database& db = database_->db;
  return db.read("look for photos", [&] {
    NamedPhotos known(db);
    const auto find = [&](const Named& name) -> Expected<PhotoAt> {
      std::optional<PhotoAt> found;
      if (!name.uri.empty()) found = known.with_uri(name.uri);
      if (!found && !name.root.empty()) found = known.in_root(name.root, name.path);
      if (found) return *found;
      if (!name.path.empty()) return known.find(name.path);
      if (!name.uri.empty()) return known.find(name.uri);
      return known.find(name.id);
    };
    std::vector<Expected<PhotoAt>> found;
    found.reserve(names.size());
    for (const Named& name : names) found.push_back(find(name));
    return found;
  });
}

Expected<std::optional<PhotoAt>> Edits::photo_of(std::int64_t image_id) {
  sqlite::Database& db = database_->db;
  return db.read("look for a photo", [&]() -> std::optional<PhotoAt> {
    auto row = db.query(
        "SELECT root_id, path, folder FROM image JOIN root USING (root_id) WHERE image_id = ?");
    if (!row.with(image_id).step()) return std::nullopt;
    return PhotoAt{row.integer(0), row.text(1), uri_of(row.text(2), row.text(1))};
  });
}

Expected<std::vector<CaptionNow>> Edits::now(std::span<const PhotoAt> photos,
                                             const std::string& run) {
  sqlite::Database& db = database_->db;
  return db.read("read captions", [&] {
    std::vector<CaptionNow> all;
    all.reserve(photos.size());
    for (const PhotoAt& photo : photos) all.push_back(caption_now(db, photo, run));
    return all;
  });
}

Status Edits::add(std::span<const NewEdit> edits, const std::string& by) {
  sqlite::Database& db = database_->db;
  return db.write("store edits", [&] {
    const std::int64_t change = next_edit(db);
    const std::int64_t at = now_unix_ms();
    for (const NewEdit& edit : edits) {
      std::optional<std::string> caption;
      if (edit.action != EditAction::unset) caption = edit.caption;
      add_row(db, {edit.photo, edit.action, caption, change, std::nullopt}, by, at);
    }
  });
}

Expected<UndoneEdits> Edits::undo(std::span<const PhotoAt> photos, const std::string& by) {
  sqlite::Database& db = database_->db;
  return db.write("take edits back", [&] {
    UndoneEdits report;
    const std::int64_t change = next_edit(db);
    for (const PhotoAt& photo : photos) {
      const std::optional<std::int64_t> edit = last_edit(db, photo);
      if (!edit) continue;
      take_back(db, photo, *edit, change, by);
      ++report.undone;
    }
    return report;
  });
}

Expected<UndoneEdits> Edits::undo_last(const std::string& whose, const std::string& by) {
  sqlite::Database& db = database_->db;
  return db.write("take edits back", [&] {
    UndoneEdits report;
    const std::optional<std::int64_t> last = last_change(db, whose);
    if (!last) return report;
    const std::int64_t change = next_edit(db);
    for (const auto& [edit, photo] : edits_of(db, *last)) {
      if (last_edit(db, photo) != edit) {
        report.left.push_back(photo.uri);
        continue;
      }
      take_back(db, photo, edit, change, by);
      ++report.undone;
    }
    return report;
  });
}

Expected<std::vector<EditRow>> Edits::log(const std::optional<PhotoAt>& photo, std::size_t count) {
  sqlite::Database& db = database_->db;
  return db.read("read edits", [&] {
    std::vector<EditRow> all;
    const auto read = [&](sqlite::Query& row) {
      while (row.step()) all.push_back(read_edit(row));
    };
    if (photo) {
      auto row = db.query(
          "SELECT edit_id, root.folder, path, action, caption, edited_by, edited_unix_ms, undoes "
          "FROM caption_edit JOIN root USING (root_id) WHERE root_id = ? AND path = ? "
          "ORDER BY edit_id DESC LIMIT ?");
      read(row.with(photo->root_id, sqlite::Blob{photo->path}, count));
    } else {
      auto row = db.query(
          "SELECT edit_id, root.folder, path, action, caption, edited_by, edited_unix_ms, undoes "
          "FROM caption_edit JOIN root USING (root_id) ORDER BY edit_id DESC LIMIT ?");
      read(row.with(count));
    }
    return all;
  });
}

Status Edits::for_each_holding(
    const std::function<Status(const EditRow&, const CaptionNow&)>& take) {
  sqlite::Database& db = database_->db;
  return db.read("read edits", [&]() -> Status {
    auto row = db.query(
        "SELECT edit_id, root.folder, path, action, caption, edited_by, edited_unix_ms, undoes, "
        "root_id FROM caption_edit AS made JOIN root USING (root_id) WHERE caption IS NOT NULL "
        "AND edit_id = (SELECT max(edit_id) FROM caption_edit AS last "
        "WHERE last.root_id = made.root_id AND last.path = made.path) ORDER BY root.folder, path");
    while (row.step()) {
      const CaptionNow now = caption_now(db, {row.integer(8), row.text(2), ""}, "");
      if (Status taken = take(read_edit(row), now); !taken) return taken;
    }
    return {};
  });
}

}  // namespace photoscribe
