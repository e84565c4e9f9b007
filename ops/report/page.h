// page: a report as one self-contained HTML file. Charts are SVG, thumbnails and all numbers are
// embedded; a content security policy in its head forbids every request.
#pragma once

#include <string>

#include "ops/report/report.h"

namespace photoscribe::report {

[[nodiscard]] std::string html_page(const Report& report);

}  // namespace photoscribe::report
