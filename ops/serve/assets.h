// assets: the front end's files, embedded at build time.
#pragma once

#include <string>

namespace photoscribe::serve {

struct Asset {
  std::string path;  // "/app.js"
  std::string type;
  std::string text;
  std::string etag;
};
/// Null if the address is not a file of the front end.
[[nodiscard]] const Asset* find_asset(const std::string& path);

// Made from the files in page/.
extern const char* const kIndexHtml;
extern const char* const kAppCss;
extern const char* const kAppJs;
extern const char* const kFirstJs;
extern const char* const kToolsJs;
extern const char* const kRunsJs;
extern const char* const kGalleryJs;
extern const char* const kPhotoJs;
extern const char* const kLooksJs;
extern const char* const kBlurJs;

}  // namespace photoscribe::serve
