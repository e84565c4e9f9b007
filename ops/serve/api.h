// api: the calls of the page's API that only read. Each is a function from a request to an answer;
// their addresses are in site.cpp.
#pragma once

#include <cstdint>

#include "common/http/http_message.h"
#include "ops/serve/archive.h"
#include "ops/serve/live.h"
#include "ops/serve/thumbnails.h"

namespace photoscribe::serve {

/// Every run with its numbers.
[[nodiscard]] http::Answer runs_answer(Live& live);
[[nodiscard]] http::Answer run_answer(Archive& archive, RunId run);
/// Only its roots: the rest of run_answer() reads every failed photo.
[[nodiscard]] http::Answer roots_answer(Archive& archive, RunId run);
/// Parameter `hours`: the period (default 12).
[[nodiscard]] http::Answer pace_answer(Archive& archive, const http::Request& request);
/// A part of a list: `at`, `limit` (at most 200), `view` (from an earlier answer).
[[nodiscard]] http::Answer photos_answer(Archive& archive, const http::Request& request);
[[nodiscard]] http::Answer photo_answer(Archive& archive, std::int64_t image_id);
[[nodiscard]] http::Answer folders_answer(Archive& archive, const http::Request& request);
/// How another `threshold` would change verdicts, and the `count` nearest photos on each side of
/// it.
[[nodiscard]] http::Answer blur_answer(Archive& archive, const http::Request& request);

/// The file of a photo, or its URL; none if there is no such photo.
[[nodiscard]] Expected<std::optional<PictureRequest>> picture_request(Archive& archive,
                                                                      std::int64_t image_id,
                                                                      int side_px);

}  // namespace photoscribe::serve
