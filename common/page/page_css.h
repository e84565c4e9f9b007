// page_css: page.css, embedded at build time. Private to html.cpp.
#pragma once

namespace photoscribe::page {

extern const char* const kPageCss;

}  // namespace photoscribe::page
