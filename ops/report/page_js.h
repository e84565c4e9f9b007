// page_js: page.js, embedded at build time. Private to page.cpp.
#pragma once

namespace photoscribe::report {

extern const char* const kPageJs;

}  // namespace photoscribe::report
