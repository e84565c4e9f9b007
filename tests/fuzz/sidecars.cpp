// What exports of Google, Facebook, Instagram, X and Flickr say of photos.
#include "scheduler/sidecars/post_files.h"
#include "scheduler/sidecars/takeout.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe::sidecars;
  const std::string_view text = photoscribe::fuzz::text_of(data, size);
  MediaIndex index;
  static_cast<void>(read_takeout(text, "IMG_1.jpg", false));
  static_cast<void>(read_meta_posts(text, "Facebook", index));
  static_cast<void>(read_meta_posts(text, "Instagram", index));
  static_cast<void>(read_tweets(text, index));
  static_cast<void>(read_flickr_photo(text));
  const std::vector<std::string> names{std::string(text), "IMG_1.jpg.json"};
  static_cast<void>(takeout_sidecars(text, names));
  return 0;
}
