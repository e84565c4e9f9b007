// photo_url: addresses of photos that are no files: which server or bucket (a root), and which
// photo there (a path). Pure.
//
// A remote root's folder is `https://HOST[:PORT]`, `http://…` or `s3://BUCKET`, so that folder, `/`
// and path are the URL again. The path of a web server's photo is text of a URL, with its query;
// that of a bucket is the key's raw bytes.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "common/core/error.h"

namespace photoscribe {

struct PhotoUrl {
  std::string root;  // the root's folder
  std::string path;  // may be empty: the whole bucket, or no photo at all
};

/// Whether `text` begins with this scheme ("s3://"), in any case.
[[nodiscard]] inline bool has_scheme(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}
[[nodiscard]] inline bool is_s3(std::string_view text) { return has_scheme(text, "s3://"); }
/// Of a root's folder, or of a word that somebody typed.
[[nodiscard]] inline bool is_web(std::string_view text) {
  return has_scheme(text, "https://") || has_scheme(text, "http://");
}
[[nodiscard]] inline bool is_remote(std::string_view text) { return is_s3(text) || is_web(text); }

/// Scheme and host in lower case, no default port, no fragment; what may not stand in a URL is
/// escaped. Fails with usage: no URL, or one with a user and password, which would be seen by every
/// user of the machine.
[[nodiscard]] Expected<PhotoUrl> parse_photo_url(std::string_view text);

}  // namespace photoscribe
