// picture_process: pictures for a page from a `photoscribe-worker thumbnails --stdin` that stays,
// since a worker takes a second to start. It is started at the first picture, ends when nobody
// asks, and is replaced when a photo ends it or keeps it for too long.
#pragma once

#include <memory>

#include "common/core/config.h"
#include "ops/serve/thumbnails.h"

namespace photoscribe::cli {

/// With the worker and the limits of the configuration. It works at a low priority: a run goes
/// first.
[[nodiscard]] std::unique_ptr<serve::PictureMaker> new_picture_maker(const Config& config);

}  // namespace photoscribe::cli
