// picture_process: pictures for a page from a `photoscribe-worker thumbnails --stdin` that keeps
// running, since a worker takes a second to start. It is started for the first picture, stopped
// when idle, and replaced when a photo crashes it or takes it too long.
#pragma once

#include <memory>

#include "common/core/config.h"
#include "ops/serve/thumbnails.h"

namespace photoscribe::cli {

/// With the worker and the limits of the configuration. It runs at low priority: a run goes first.
[[nodiscard]] std::unique_ptr<serve::PictureMaker> new_picture_maker(const Config& config);

}  // namespace photoscribe::cli
