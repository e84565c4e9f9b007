// page: a report as one HTML file that needs nothing else: no network, no other file. Charts are
// SVG, thumbnails and all numbers are inside; a content policy in its head forbids every request.
#pragma once

#include <string>

#include "ops/report/report.h"

namespace photoscribe::report {

[[nodiscard]] std::string html_page(const Report& report);

}  // namespace photoscribe::report
