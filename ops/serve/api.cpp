#include "ops/serve/api.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "common/text/escape.h"
#include "common/text/utf8.h"
#include "ops/serve/answers.h"
#include "ops/serve/photo_json.h"
#include "ops/serve/photo_request.h"
#include "ops/serve/run_json.h"

namespace photoscribe::serve {
namespace {

using nlohmann::json;

constexpr std::size_t kEvents = 50;
constexpr int kPacePoints = 240;

json cards_json(const std::vector<PhotoCard>& cards) {
  json rows = json::array();
  for (const PhotoCard& card : cards) rows.push_back(card_json(card));
  return rows;
}

/// The JSON as an answer, or the error as one.
http::Answer answer_of(const Expected<json>& made) {
  return made ? json_answer(*made) : error_answer(made.error());
}

Expected<json> photos_json(Archive& archive, const http::Request& request) {
  const auto query = photo_query(request.query);
  if (!query) return fail(query.error());
  const auto at = integer_parameter(request.query, "at", 0, 1'000'000'000, 0);
  if (!at) return fail(at.error());
  const auto limit = integer_parameter(request.query, "limit", 0, 200, 60);
  if (!limit) return fail(limit.error());
  const auto open = archive.view(*query, request.parameter("view"));
  if (!open) return fail(open.error());
  const std::vector<std::int64_t>& ids = open->view->image_ids;
  const std::size_t from = std::min(static_cast<std::size_t>(*at), ids.size());
  const std::size_t to = std::min(from + static_cast<std::size_t>(*limit), ids.size());
  const auto cards = archive.read([&](Reader& reader) {
    return reader.browser.cards(std::span(ids).subspan(from, to - from));
  });
  if (!cards) return fail(cards.error());
  return json{
      {"view", open->token}, {"total", ids.size()}, {"at", from}, {"rows", cards_json(*cards)}};
}

Expected<std::optional<PhotoDetails>> details(Archive& archive, std::int64_t image_id) {
  return archive.read([&](Reader& reader) -> Expected<std::optional<PhotoDetails>> {
    const std::int64_t ids[] = {image_id};
    auto cards = reader.browser.cards(ids);
    if (!cards) return fail(cards.error());
    auto row = reader.store.image(image_id);
    if (!row) return fail(row.error());
    if (cards->empty() || !*row) return std::optional<PhotoDetails>();
    PhotoDetails photo{std::move(cards->front()), std::move(**row), {}, {}, {}, {}, {}, {}};
    const auto run = reader.store.find_run(photo.row.run);
    if (!run) return fail(run.error());
    if (*run) photo.blur = (*run)->settings.blur;
    auto attempts = reader.store.attempts(image_id);
    auto references = reader.store.references_of(image_id);
    auto edits = reader.browser.edits(image_id);
    auto kept = reader.browser.kept_values(image_id);
    if (!attempts) return fail(attempts.error());
    if (!references) return fail(references.error());
    if (!edits) return fail(edits.error());
    auto attention = reader.store.attention(image_id);
    if (!kept) return fail(kept.error());
    if (!attention) return fail(attention.error());
    photo.attention = std::move(*attention);
    photo.attempts = std::move(*attempts);
    photo.references = std::move(*references);
    photo.edits = std::move(*edits);
    photo.kept = std::move(*kept);
    return std::optional<PhotoDetails>(std::move(photo));
  });
}

/// All photos of a run that have a blur score, sorted by it: the strip of the blur desk.
PhotoQuery by_blur(RunId run) {
  PhotoQuery query;
  query.run = run;
  query.filter.sort = PhotoSort::blur;
  query.key = "blur desk of run " + std::to_string(run);
  return query;
}

Expected<json> blur_json(Archive& archive, const http::Request& request) {
  const auto run = integer_parameter(request.query, "run", 1, INT64_MAX, 0);
  if (!run) return fail(run.error());
  const auto threshold = real_parameter(request.query, "threshold");
  if (!threshold) return fail(threshold.error());
  const auto count = integer_parameter(request.query, "count", 1, 60, 12);
  if (!count) return fail(count.error());
  if (*run == 0 || !*threshold) return fail(Errc::usage, "say run and threshold");
  const auto index = archive.index(*run);
  if (!index) return fail(index.error());
  const ThresholdCounts counts = count_threshold(**index, **threshold);
  const auto open = archive.view(by_blur(*run), "");
  if (!open) return fail(open.error());
  const PhotoView& view = *open->view;
  const auto split = std::lower_bound(view.keys.begin(), view.keys.end(), **threshold);
  const auto middle = static_cast<std::size_t>(split - view.keys.begin());
  const auto wanted = static_cast<std::size_t>(*count);
  const std::size_t from = middle - std::min(middle, wanted);
  const std::size_t to = std::min(middle + wanted, view.image_ids.size());
  const auto cards = archive.read([&](Reader& reader) {
    return reader.browser.cards(std::span(view.image_ids).subspan(from, to - from));
  });
  if (!cards) return fail(cards.error());
  return json{{"below", counts.below},           {"clear", counts.clear},
              {"would_blur", counts.would_blur}, {"would_clear", counts.would_clear},
              {"histogram", counts.histogram},   {"rows", cards_json(*cards)}};
}

}  // namespace

http::Answer runs_answer(Live& live) {
  const auto now = live.poll();
  if (!now) return error_answer(now.error());
  json runs = json::array();
  for (const RunNow& run : now->runs) runs.push_back(now_json(run));
  const auto writer = live.writer();
  return json_answer({{"runs", std::move(runs)}, {"writer_pid", writer ? json(*writer) : json()}});
}

http::Answer run_answer(Archive& archive, RunId run) {
  return answer_of(archive.read([&](Reader& reader) -> Expected<json> {
    RunDetails details;
    auto summary = reader.store.summary(run);
    if (!summary) return fail(summary.error());
    auto events = reader.store.events(run, kEvents);
    if (!events) return fail(events.error());
    auto roots = reader.browser.roots(run);
    if (!roots) return fail(roots.error());
    return details_json(RunDetails{std::move(*summary), std::move(*events), std::move(*roots)});
  }));
}

http::Answer roots_answer(Archive& archive, RunId run) {
  const auto roots = archive.read([&](Reader& reader) { return reader.browser.roots(run); });
  return roots ? json_answer({{"roots", roots_json(*roots)}}) : error_answer(roots.error());
}

http::Answer pace_answer(Archive& archive, const http::Request& request) {
  const auto hours = integer_parameter(request.query, "hours", 1, 24 * 366, 12);
  if (!hours) return error_answer(hours.error());
  const auto now = std::chrono::system_clock::now() - std::chrono::hours(*hours);
  const std::int64_t since =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const auto pace =
      archive.read([&](Reader& reader) { return reader.browser.pace(since, kPacePoints); });
  if (!pace) return error_answer(pace.error());
  json points = json::array();
  for (const PacePoint& one : *pace) points.push_back({one.unix_ms, one.results});
  return json_answer({{"points", std::move(points)}});
}

http::Answer photos_answer(Archive& archive, const http::Request& request) {
  return answer_of(photos_json(archive, request));
}

http::Answer photo_answer(Archive& archive, std::int64_t image_id) {
  const auto photo = details(archive, image_id);
  if (!photo) return error_answer(photo.error());
  return *photo ? json_answer(details_json(**photo)) : error_answer(404, "there is no such photo");
}

http::Answer folders_answer(Archive& archive, const http::Request& request) {
  const auto query = photo_query(request.query);
  if (!query) return error_answer(query.error());
  const auto folders = archive.read([&](Reader& reader) {
    return reader.browser.folders(query->run, query->root_id, query->folder);
  });
  if (!folders) return error_answer(folders.error());
  json list = json::array();
  for (const FolderEntry& one : *folders) {
    const std::string path = query->folder.empty() ? one.name : query->folder + "/" + one.name;
    list.push_back({{"name", replaced(one.name)},
                    {"folder", percent_escaped(path, "%")},
                    {"has_more", one.has_more}});
  }
  return json_answer({{"folders", std::move(list)}});
}

http::Answer blur_answer(Archive& archive, const http::Request& request) {
  return answer_of(blur_json(archive, request));
}

Expected<std::optional<PictureRequest>> picture_request(Archive& archive, std::int64_t image_id,
                                                        int side_px) {
  auto file = archive.read([&](Reader& reader) { return reader.browser.file(image_id); });
  if (!file) return fail(file.error());
  // A link that the run did not follow is not followed here either.
  if (!*file || (*file)->outside_root) return std::optional<PictureRequest>();
  const PhotoFile& photo = **file;
  PictureRequest request;
  request.file = photo.folder + (photo.folder.ends_with('/') ? "" : "/") + photo.path;
  request.side_px = side_px;
  request.size_bytes = photo.size_bytes;
  request.mtime_ns = photo.mtime_ns;
  return std::optional<PictureRequest>(std::move(request));
}

}  // namespace photoscribe::serve
