// api: the calls of the page's API that read. Each is one function from a request to an answer;
// addresses are in site.cpp.
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
/// Its roots alone: the rest of run_answer() looks at every photo that failed.
[[nodiscard]] http::Answer roots_answer(Archive& archive, RunId run);
/// `hours`: of how long (default 12).
[[nodiscard]] http::Answer pace_answer(Archive& archive, const http::Request& request);
/// A piece of a list: `at`, `limit` (200 at most), `view` (of an earlier answer).
[[nodiscard]] http::Answer photos_answer(Archive& archive, const http::Request& request);
[[nodiscard]] http::Answer photo_answer(Archive& archive, std::int64_t image_id);
[[nodiscard]] http::Answer folders_answer(Archive& archive, const http::Request& request);
/// What another `threshold` would change, and the photos nearest to it, `count` on each side.
[[nodiscard]] http::Answer blur_answer(Archive& archive, const http::Request& request);

/// The file of a photo, or its URL; none when there is no such photo.
[[nodiscard]] Expected<std::optional<PictureRequest>> picture_request(Archive& archive,
                                                                      std::int64_t image_id,
                                                                      int side_px);

}  // namespace photoscribe::serve
