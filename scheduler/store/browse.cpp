#include "scheduler/store/browse.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>

#include "common/text/utf8.h"
#include "migrations/migrations.h"
#include "scheduler/store/found_images.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

constexpr std::size_t kFoldersMax = 1'000;
constexpr int kFolderStepsMax = 50'000;  // files that lie among the folders are stepped over
constexpr std::int64_t kFoundMax = 100'000;
constexpr std::size_t kCaptionBytesMax = 4'000;

// The last edit of a photo holds. Stands here alone until the stable views tell it.
#define PHOTOSCRIBE_EDITED_CAPTION                                                           \
  "LEFT JOIN caption_edit AS edit ON edit.edit_id = (SELECT max(edit_id) FROM caption_edit " \
  "WHERE caption_edit.root_id = image.root_id AND caption_edit.path = image.path) "

constexpr const char* kCard =
    "SELECT image.image_id, image.root_id, root.folder, image.path, image.size_bytes, "
    "image.mtime_ns, image.verdict, image.reason, result.caption, edit.caption, edit.action, "
    "result.confidence, result.log_prob, result.tokens, result.blur_score, result.width_px, "
    "result.height_px, result.finished_unix_ms, result.hash_distance IS NOT NULL, image.vanished "
    "FROM image JOIN root ON root.root_id = image.root_id "
    "LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = "
    "image.attempt " PHOTOSCRIBE_EDITED_CAPTION "WHERE image.image_id = ?";

std::optional<int> pixels(const sqlite::Query& row, int column) {
  const auto value = row.optional_integer(column);
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

PhotoCard read_card(const sqlite::Query& row) {
  PhotoCard card;
  card.image_id = row.integer(0);
  card.root_id = row.integer(1);
  card.folder = row.text(2);
  card.path = row.text(3);
  card.uri = uri_of(card.folder, card.path);
  card.size_bytes = row.integer(4);
  card.mtime_ns = row.integer(5);
  card.state = row.text(6);
  card.reason = row.optional_text(7);
  card.caption = row.optional_text(8);
  card.edited_caption = row.optional_text(9);
  card.approved = row.optional_text(10).value_or("") == "approve";
  const float confidence =
      confidence_or_mean(row.optional_real(11), row.optional_real(12), row.optional_integer(13));
  if (!std::isnan(confidence)) card.confidence = static_cast<double>(confidence);
  card.blur_score = row.optional_real(14);
  card.width_px = pixels(row, 15);
  card.height_px = pixels(row, 16);
  card.finished_unix_ms = row.optional_integer(17);
  card.near_duplicate = row.integer(18) != 0;
  card.vanished = row.integer(19) != 0;
  return card;
}

std::vector<std::int64_t> ids_of(sqlite::Query& row) {
  std::vector<std::int64_t> ids;
  while (row.step()) ids.push_back(row.integer(0));
  return ids;
}

/// "a/b" → "a/b/"; the root itself has no name before its paths.
std::string prefix_of(const std::string& folder) {
  return folder.empty() || folder.ends_with('/') ? folder : folder + "/";
}

/// The least text that is greater than every one that begins with `prefix`, which ends with a
/// slash; for none, what no path begins with.
std::string end_of(std::string prefix) {
  if (prefix.empty()) return "\xff\xff\xff\xff";  // no byte is above 0xff
  prefix.back() = '0';                            // after '/'
  return prefix;
}

}  // namespace

PhotoBrowser::PhotoBrowser(std::unique_ptr<StoreDatabase> database) : impl_(std::move(database)) {}
PhotoBrowser::PhotoBrowser(PhotoBrowser&&) noexcept = default;
PhotoBrowser::~PhotoBrowser() = default;

Expected<PhotoBrowser> PhotoBrowser::open(const std::string& database) {
  auto db = sqlite::Database::open(database, sqlite::Mode::read_only);
  if (!db) return fail(db.error());
  if (Status known = migrations::check(*db); !known) return fail(known.error());
  return PhotoBrowser(std::make_unique<StoreDatabase>(std::nullopt, std::move(*db)));
}

Expected<std::vector<PhotoCard>> PhotoBrowser::cards(std::span<const std::int64_t> image_ids) {
  return impl_->db.read("read photos", [&] {
    std::vector<PhotoCard> cards;
    cards.reserve(image_ids.size());
    auto row = impl_->db.query(kCard);
    for (const std::int64_t id : image_ids) {
      row.again();
      if (row.with(id).step()) cards.push_back(read_card(row));
    }
    return cards;
  });
}

Expected<std::optional<PhotoFile>> PhotoBrowser::file(std::int64_t image_id) {
  return impl_->db.read("find a photo", [&]() -> std::optional<PhotoFile> {
    auto row = impl_->db.query(
        "SELECT root.folder, image.path, image.size_bytes, image.mtime_ns, "
        "coalesce(image.reason, '') FROM image JOIN root USING (root_id) WHERE image_id = ?");
    if (!row.with(image_id).step()) return std::nullopt;
    return PhotoFile{row.text(0), row.text(1), row.integer(2), row.integer(3),
                     row.text(4) == to_string(Reason::outside_root)};
  });
}

Expected<std::vector<CaptionEdit>> PhotoBrowser::edits(std::int64_t image_id) {
  return impl_->db.read("read edits", [&] {
    std::vector<CaptionEdit> edits;
    auto row = impl_->db.query(
        "SELECT action, caption, edited_by, edited_unix_ms FROM caption_edit "
        "JOIN image ON image.root_id = caption_edit.root_id AND image.path = caption_edit.path "
        "WHERE image.image_id = ? ORDER BY edit_id");
    row.with(image_id);
    while (row.step()) {
      edits.push_back({row.text(0), row.optional_text(1), row.text(2), row.integer(3)});
    }
    return edits;
  });
}

Expected<std::vector<std::pair<std::string, std::string>>> PhotoBrowser::kept_values(
    std::int64_t image_id) {
  return impl_->db.read("read kept columns", [&] {
    std::vector<std::pair<std::string, std::string>> values;
    auto row = impl_->db.query(
        "SELECT name, value FROM kept_value JOIN kept_column USING (column_id) "
        "WHERE image_id = ? ORDER BY column_id");
    row.with(image_id);
    while (row.step()) values.emplace_back(row.text(0), row.text(1));
    return values;
  });
}

Expected<std::vector<RootEntry>> PhotoBrowser::roots(RunId run) {
  return impl_->db.read("read roots", [&] {
    std::vector<RootEntry> roots;
    auto row = impl_->db.query(
        "SELECT root_id, name, folder FROM root JOIN run_root USING (root_id) WHERE run_id = ? "
        "ORDER BY root_id");
    row.with(run);
    while (row.step()) roots.push_back({row.integer(0), {row.text(1), row.text(2)}});
    return roots;
  });
}

Expected<std::vector<FolderEntry>> PhotoBrowser::folders(RunId run, std::int64_t root_id,
                                                         const std::string& folder) {
  return impl_->db.read("read folders", [&] {
    std::vector<FolderEntry> folders;
    const std::string prefix = prefix_of(folder), end = end_of(prefix);
    std::string from = prefix;
    auto row = impl_->db.query(
        "SELECT path FROM image WHERE root_id = ? AND path >= ? AND path < ? AND run_id = ? "
        "ORDER BY path LIMIT 1");
    for (int step = 0; step < kFolderStepsMax && folders.size() < kFoldersMax; ++step) {
      row.again();
      if (!row.with(root_id, sqlite::Blob{from}, sqlite::Blob{end}, run).step()) break;
      const std::string path = row.text(0);
      const std::size_t slash = path.find('/', prefix.size());
      if (slash == std::string::npos) {
        from = path + std::string(1, '\1');  // no name holds a NUL: the next one
        continue;
      }
      folders.push_back({path.substr(prefix.size(), slash - prefix.size()), false});
      folders.back().has_more = path.find('/', slash + 1) != std::string::npos;
      from = end_of(path.substr(0, slash + 1));
    }
    return folders;
  });
}

Expected<std::vector<std::int64_t>> PhotoBrowser::in_folder(RunId run, std::int64_t root_id,
                                                            const std::string& folder) {
  return impl_->db.read("list a folder", [&] {
    if (root_id == 0) {
      auto row =
          impl_->db.query("SELECT image_id FROM image WHERE run_id = ? ORDER BY root_id, path");
      return ids_of(row.with(run));
    }
    const std::string prefix = prefix_of(folder), end = end_of(prefix);
    auto row = impl_->db.query(
        "SELECT image_id FROM image WHERE root_id = ? AND path >= ? AND path < ? AND run_id = ? "
        "ORDER BY path");
    return ids_of(row.with(root_id, sqlite::Blob{prefix}, sqlite::Blob{end}, run));
  });
}

Expected<std::vector<std::int64_t>> PhotoBrowser::found(RunId run, const std::string& words,
                                                        bool any_state) {
  return impl_->db.read("search", [&]() -> Expected<std::vector<std::int64_t>> {
    SearchRequest request;
    request.query = words;
    if (any_state) request.states = {"done", "unsure", "blurred", "failed", "pending"};
    request.vanished = true;
    request.limit = kFoundMax;
    {
      auto row = impl_->db.query("SELECT name FROM run WHERE run_id = ?");
      if (!row.with(run).step()) return std::vector<std::int64_t>();
      request.run = row.text(0);
    }
    Expected<FoundImages> found = find_images(impl_->db, request);
    if (!found) return fail(found.error());
    return std::move(found->ids);
  });
}

Expected<std::vector<std::int64_t>> PhotoBrowser::edited(RunId run) {
  return impl_->db.read("list edited photos", [&] {
    auto row = impl_->db.query(
        "SELECT image.image_id FROM (SELECT root_id, path, max(edit_id) AS edit_id "
        "FROM caption_edit GROUP BY root_id, path) AS last "
        "JOIN caption_edit USING (edit_id) "
        "JOIN image ON image.root_id = last.root_id AND image.path = last.path "
        "WHERE caption_edit.action <> 'unset' AND image.run_id = ? ORDER BY image.image_id");
    return ids_of(row.with(run));
  });
}

Expected<std::vector<PacePoint>> PhotoBrowser::pace(std::int64_t since_unix_ms, int points) {
  return impl_->db.read("read the pace", [&] {
    std::vector<PacePoint> pace;
    auto at = impl_->db.query(
        "SELECT result_id, finished_unix_ms FROM result WHERE result_id >= ? "
        "ORDER BY result_id LIMIT 1");
    std::int64_t last = 0;
    {
      auto row = impl_->db.query("SELECT coalesce(max(result_id), 0) FROM result");
      row.step();
      last = row.integer(0);
    }
    // Results are stored in the order in which they come, so their times rise with their ids.
    std::int64_t low = 1, high = last;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      at.again();
      const bool old = at.with(middle).step() && at.integer(1) < since_unix_ms;
      (old ? low : high) = old ? middle + 1 : middle;
    }
    const std::int64_t step = std::max<std::int64_t>(1, (last - low + 1) / std::max(points, 1));
    for (std::int64_t id = low; id <= last;
         id = id == last ? last + 1 : std::min(id + step, last)) {
      at.again();
      if (!at.with(id).step()) break;
      pace.push_back({at.integer(0), at.integer(1)});
    }
    return pace;
  });
}

Expected<std::pair<std::int64_t, std::int64_t>> PhotoBrowser::count_edits() {
  return impl_->db.read("count edits", [&] {
    auto row = impl_->db.query(
        "SELECT count(*) FILTER (WHERE action = 'set'), count(*) FILTER (WHERE action = 'approve') "
        "FROM caption_edit WHERE edit_id IN "
        "(SELECT max(edit_id) FROM caption_edit GROUP BY root_id, path)");
    row.step();
    return std::pair(row.integer(0), row.integer(1));
  });
}

Status PhotoBrowser::refresh(PhotoIndex& index, const std::function<bool()>& give_up) {
  return index.refresh(impl_->db, give_up);
}

void PhotoBrowser::interrupt() { sqlite3_interrupt(impl_->db.handle().getHandle()); }

}  // namespace photoscribe
