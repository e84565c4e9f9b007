// post_files: the files in which Facebook, Instagram and X list a person's posts, and Flickr's of
// one photo each (ops/docs/sources.md). Text in, kept columns out; reads no file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "scheduler/store/run_types.h"

namespace photoscribe::sidecars {

/// By where the photo lies in the export, as media_key() has it.
using MediaIndex = std::unordered_map<std::string, KeptValues>;

/// A path of Facebook's or Instagram's export without the folder that newer ones have in front.
[[nodiscard]] std::string media_key(std::string_view uri);

/// Adds the photos of posts, albums and stories: taken_at, posted_at, latitude, longitude, text,
/// album, source. False when the text is not JSON.
bool read_meta_posts(std::string_view text, const char* source, MediaIndex& index);

/// Adds tweets by their number: posted_at, latitude, longitude, text, source.
bool read_tweets(std::string_view text, MediaIndex& index);

/// The number in front of the name of a tweet's photo, "123-abc.jpg"; or empty.
[[nodiscard]] std::string tweet_of(std::string_view photo);

/// taken_at (without a zone, as Flickr has it), latitude, longitude, title, text, tags, album, url
/// and source.
[[nodiscard]] std::optional<KeptValues> read_flickr_photo(std::string_view text);

}  // namespace photoscribe::sidecars
