#include "scheduler/sidecars/post_files.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

#include "scheduler/sidecars/sidecar_texts.h"

namespace photoscribe::sidecars {
namespace {

using nlohmann::json;

/// What a post says of all of its photos.
struct Post {
  std::string text, album;
  std::optional<std::int64_t> time;
};

void add_exif(KeptValues& kept, const json& media) {
  const auto metadata = media.find("media_metadata");
  if (metadata == media.end() || !metadata->is_object()) return;
  const json* data = nullptr;
  if (const auto photo = metadata->find("photo_metadata");
      photo != metadata->end() && photo->is_object() && photo->contains("exif_data"))
    data = &photo->at("exif_data");
  if (data == nullptr || !data->is_array()) return;
  for (const json& one : *data) {
    if (!one.is_object()) continue;
    if (one.contains("taken_timestamp")) {
      const auto seconds = unix_seconds(one.at("taken_timestamp"));
      if (seconds && *seconds > 0) add_text(kept, "taken_at", utc_time(*seconds));
    }
    add_place(kept, number_of(one, "latitude"), number_of(one, "longitude"));
  }
}

class MetaPosts {
 public:
  MetaPosts(const char* source, MediaIndex& index) : source_(source), index_(index) {}

  void visit(const json& value, const Post& around, int depth = 0) {
    constexpr int kDepthMax = 100;  // posts have about ten
    if (depth > kDepthMax) return;
    if (value.is_array()) {
      for (const json& one : value) visit(one, around, depth + 1);
    }
    if (!value.is_object()) return;
    const Post post = described(value, around);
    if (const std::string uri = text_of(value, "uri"); !uri.empty()) take(uri, value, post);
    for (const auto& [name, member] : value.items()) {
      if (name != "media_metadata" && name != "comments") visit(member, post, depth + 1);
    }
  }

 private:
  /// What this object adds to what stands around it.
  static Post described(const json& object, const Post& around) {
    Post post = around;
    if (object.contains("timestamp")) post.time = unix_seconds(object.at("timestamp"));
    if (const auto data = object.find("data"); data != object.end() && data->is_array()) {
      for (const json& one : *data) {
        if (std::string text = text_of(one, "post"); !text.empty()) post.text = std::move(text);
      }
    }
    if (object.contains("media") && object.at("media").is_array()) {  // Instagram's
      if (std::string text = text_of(object, "title"); !text.empty()) post.text = std::move(text);
      if (object.contains("creation_timestamp"))
        post.time = unix_seconds(object.at("creation_timestamp"));
    }
    if (object.contains("photos")) post.album = text_of(object, "name");  // Facebook's albums
    return post;
  }

  void take(const std::string& uri, const json& media, const Post& post) {
    KeptValues& kept = index_[media_key(mended(uri))];
    add_exif(kept, media);
    std::optional<std::int64_t> time;
    if (media.contains("creation_timestamp")) time = unix_seconds(media.at("creation_timestamp"));
    if (!time) time = post.time;
    if (time && *time > 0) add_text(kept, "posted_at", utc_time(*time));
    const bool instagram = std::string_view(source_) == "Instagram";
    std::string own = text_of(media, instagram ? "title" : "description");
    if (own.empty() && media.contains("caption")) own = text_of(media, "caption");
    add_text(kept, "text", mended(own.empty() ? post.text : own));
    if (!instagram)
      add_text(kept, "album", mended(post.album.empty() ? text_of(media, "title") : post.album));
    add_text(kept, "source", source_);
  }

  const char* source_;
  MediaIndex& index_;
};

/// "Wed Oct 10 20:19:24 +0000 2018", always UTC.
std::string time_of_tweet(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 30) return {};
  const auto month = kMonths.find(text.substr(4, 3));
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = -1;
    const char* const begin = text.data() + at;
    std::from_chars(begin, begin + length, value);
    return value;
  };
  std::tm utc{};
  utc.tm_mon = static_cast<int>(month) / 3;
  utc.tm_mday = number(8, 2);
  utc.tm_hour = number(11, 2);
  utc.tm_min = number(14, 2);
  utc.tm_sec = number(17, 2);
  utc.tm_year = number(26, 4) - 1900;
  if (month == std::string_view::npos || utc.tm_mday < 1 || utc.tm_year < 0) return {};
  return utc_time(::timegm(&utc));
}

/// The three characters that X escapes.
std::string without_entities(std::string text) {
  constexpr std::array<std::pair<std::string_view, char>, 3> kEntities{
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}}};
  for (const auto& [entity, character] : kEntities) {
    for (auto at = text.find(entity); at != std::string::npos; at = text.find(entity, at + 1))
      text.replace(at, entity.size(), 1, character);
  }
  return text;
}

void take_tweet(const json& tweet, MediaIndex& index) {
  std::string id = text_of(tweet, "id_str");
  if (id.empty()) id = text_of(tweet, "id");
  if (id.empty()) return;
  KeptValues& kept = index[id];
  add_text(kept, "posted_at", time_of_tweet(text_of(tweet, "created_at")));
  const auto place = tweet.find("coordinates");
  if (place != tweet.end() && place->is_object() && place->contains("coordinates")) {
    const json& pair = place->at("coordinates");
    if (pair.is_array() && pair.size() == 2) {
      const json named{{"longitude", pair[0]}, {"latitude", pair[1]}};
      add_place(kept, number_of(named, "latitude"), number_of(named, "longitude"));
    }
  }
  std::string text = text_of(tweet, "full_text");
  if (text.empty()) text = text_of(tweet, "text");
  add_text(kept, "text", without_entities(std::move(text)));
  add_text(kept, "source", "X");
}

/// The values of this member of a list's items, with "; " between.
std::string joined_members(const json& object, const char* list, const char* member) {
  std::string all;
  const auto at = object.find(list);
  if (at == object.end() || !at->is_array()) return all;
  for (const json& one : *at) {
    const std::string text = text_of(one, member);
    if (!text.empty()) all += (all.empty() ? "" : "; ") + text;
  }
  return all;
}

/// Degrees, or millionths of them.
std::optional<double> degrees_of(const json& geo, const char* member) {
  std::optional<double> value = number_of(geo, member);
  if (value && std::abs(*value) > 180) *value /= 1e6;
  return value;
}

}  // namespace

std::string media_key(std::string_view uri) {
  for (const std::string_view folder :
       {"your_facebook_activity/", "your_instagram_activity/", "your_activity_across_facebook/"}) {
    if (uri.starts_with(folder)) uri.remove_prefix(folder.size());
  }
  return std::string(uri);
}

bool read_meta_posts(std::string_view text, const char* source, MediaIndex& index) {
  const json posts = json::parse(text, nullptr, false);
  if (posts.is_discarded()) return false;
  MetaPosts(source, index).visit(posts, {});
  return true;
}

bool read_tweets(std::string_view text, MediaIndex& index) {
  // window.YTD.tweets.part0 = [ … ]
  const auto begin = text.find('[');
  if (begin == std::string_view::npos) return false;
  // Only what is used of a tweet is held: an archive has hundreds of thousands.
  const auto wanted = [](int depth, json::parse_event_t event, json& value) {
    constexpr std::array<std::string_view, 7> kMembers{
        "tweet", "id", "id_str", "full_text", "created_at", "coordinates", "text"};
    if (event != json::parse_event_t::key || depth > 3) return true;
    return std::find(kMembers.begin(), kMembers.end(), value.get_ref<const std::string&>()) !=
           kMembers.end();
  };
  const json tweets = json::parse(text.substr(begin), wanted, false);
  if (!tweets.is_array()) return false;
  for (const json& one : tweets) {
    if (!one.is_object()) continue;
    const auto inner = one.find("tweet");
    const json& tweet = inner != one.end() ? *inner : one;
    if (tweet.is_object()) take_tweet(tweet, index);
  }
  return true;
}

std::string tweet_of(std::string_view photo) {
  const auto dash = photo.find('-');
  if (dash == std::string_view::npos || dash == 0) return {};
  const std::string_view number = photo.substr(0, dash);
  if (number.find_first_not_of("0123456789") != std::string_view::npos) return {};
  return std::string(number);
}

std::optional<KeptValues> read_flickr_photo(std::string_view text) {
  const json photo = json::parse(text, nullptr, false);
  if (!photo.is_object() || !photo.contains("id")) return std::nullopt;
  if (!photo.contains("date_taken") && !photo.contains("photopage")) return std::nullopt;
  KeptValues kept;
  std::string taken = text_of(photo, "date_taken");
  if (taken.size() == 19 && taken[10] == ' ') taken[10] = 'T';
  if (!taken.starts_with("0000")) add_text(kept, "taken_at", std::move(taken));
  if (const auto geo = photo.find("geo"); geo != photo.end()) {
    const json& place = geo->is_array() && !geo->empty() ? geo->front() : *geo;
    add_place(kept, degrees_of(place, "latitude"), degrees_of(place, "longitude"));
  }
  add_text(kept, "title", text_of(photo, "name"));
  add_text(kept, "text", text_of(photo, "description"));
  add_text(kept, "tags", joined_members(photo, "tags", "tag"));
  add_text(kept, "people", joined_members(photo, "people", "name"));
  add_text(kept, "album", joined_members(photo, "albums", "title"));
  add_text(kept, "url", text_of(photo, "photopage"));
  add_text(kept, "source", "Flickr");
  return kept;
}

}  // namespace photoscribe::sidecars
