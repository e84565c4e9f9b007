#include "common/page/html.h"

#include "common/page/page_css.h"

namespace photoscribe::page {
std::string script_safe(std::string_view json) {
  std::string out;
  for (const char c : json) out += c == '<' ? "\\u003c" : std::string(1, c);
  return out;
}

std::string page_head(std::string_view title) {
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src "
         "data:; "
         "style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action "
         "'none'\">\n<title>" +
         html(title) + "</title>\n<style>\n" + kPageCss + "</style></head>\n<body>\n";
}

}  // namespace photoscribe::page
