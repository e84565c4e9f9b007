#include "ops/serve/assets.h"

#include <string_view>
#include <vector>

#include "common/core/sha256.h"

namespace photoscribe::serve {
namespace {

constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kCss = "text/css; charset=utf-8";
constexpr const char* kJs = "text/javascript; charset=utf-8";

Asset asset(const char* path, const char* type, std::string_view text) {
  return {path, type, std::string(text), to_hex(sha256_of(text.data(), text.size())).substr(0, 16)};
}

const std::vector<Asset>& assets() {
  static const std::vector<Asset> kAssets{
      asset("/", kHtml, kIndexHtml),     asset("/app.css", kCss, kAppCss),
      asset("/app.js", kJs, kAppJs),     asset("/tools.js", kJs, kToolsJs),
      asset("/runs.js", kJs, kRunsJs),   asset("/gallery.js", kJs, kGalleryJs),
      asset("/photo.js", kJs, kPhotoJs), asset("/blur.js", kJs, kBlurJs),
      asset("/first.js", kJs, kFirstJs), asset("/looks.js", kJs, kLooksJs)};
  return kAssets;
}

}  // namespace

const Asset* find_asset(const std::string& path) {
  for (const Asset& one : assets()) {
    if (one.path == path) return &one;
  }
  return nullptr;
}

}  // namespace photoscribe::serve
