// What comes from servers and from lists of URLs: a line of a list, a bucket's list, an error of
// S3, a file of credentials. Each input is tried as all of them.
#include "common/remote/photo_url.h"
#include "common/remote/s3.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const std::string_view text = fuzz::text_of(data, size);
  if (const Expected<PhotoUrl> url = parse_photo_url(text)) {
    // What is stored names the same photo of the same server.
    const Expected<PhotoUrl> again = parse_photo_url(url->root + "/" + url->path);
    fuzz::require(again && again->root == url->root && again->path == url->path);
  }
  if (const Expected<S3Page> page = parse_listing(text)) {
    for (const S3Object& object : page->objects) fuzz::require(!object.key.empty());
  }
  static_cast<void>(s3_error_code(text));
  if (const Expected<Signing> sign = parse_credentials(std::string(text), "default"))
    fuzz::require(!sign->access_key.empty() && !sign->secret_key.empty());
  return 0;
}
