#include "scheduler/sidecars/social_exports.h"

#include <algorithm>
#include <array>

#include "scheduler/sidecars/takeout.h"
#include "scheduler/store/paths.h"

namespace photoscribe::sidecars {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kSidecarMax = std::size_t{1} << 20;
// In memory posts take ten times as much; of tweets only what is used is held.
constexpr std::size_t kPostsMax = std::size_t{128} << 20, kTweetsMax = std::size_t{512} << 20;

// Where posts with photos are, in exports since 2018.
constexpr std::array kFacebook{
    "posts"sv,   "posts/album"sv, "photos_and_videos"sv, "photos_and_videos/album"sv,
    "stories"sv, "groups"sv,      "other_photos"sv,      "profile_information"sv};
constexpr std::string_view kOldest = "media.json";
constexpr std::array kInstagram{""sv, "content"sv, "media"sv};
constexpr std::array kFronts{""sv, "your_facebook_activity"sv, "your_activity_across_facebook"sv,
                             "your_instagram_activity"sv};

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "photo_123.json" is 123.
std::string_view flickr_number(std::string_view name) {
  constexpr std::string_view kFront = "photo_", kEnd = ".json";
  if (!name.starts_with(kFront) || !name.ends_with(kEnd)) return {};
  if (name.size() <= kFront.size() + kEnd.size()) return {};
  name.remove_prefix(kFront.size());
  name.remove_suffix(kEnd.size());
  return is_number(name) ? name : std::string_view();
}

bool is_tweet_file(std::string_view name) {
  if (!name.ends_with(".js")) return false;
  name.remove_suffix(3);
  const std::string_view part = name.substr(std::min(name.find("-part"), name.size()));
  name.remove_suffix(part.size());
  return (name == "tweets" || name == "tweet") &&
         (part.empty() || is_number(part.substr("-part"sv.size())));
}

/// What of a folder's names tells an export.
struct Signs {
  explicit Signs(std::span<const std::string_view> names) {
    for (const std::string_view name : names) {
      if (name.find('.') != std::string_view::npos) {
        json = json || name.ends_with(".json");
        flickr = flickr || !flickr_number(name).empty();
        x = x || is_tweet_file(name);
        instagram_old = instagram_old || name == kOldest;
        continue;
      }
      flickr_beside = flickr_beside || name.starts_with("data-download-");
      facebook_front = facebook_front || name == "your_facebook_activity" ||
                       name == "your_activity_across_facebook";
      instagram_front = instagram_front || name == "your_instagram_activity";
      posts = posts || name == "posts";
      media = media || name == "media";
      content = content || name == "content";
      facebook_more = facebook_more || name == "photos_and_videos" ||
                      name == "comments_and_reactions" || name == "friends_and_followers" ||
                      name == "about_you" || name == "profile_information";
    }
  }
  [[nodiscard]] bool facebook() const { return facebook_front || (posts && facebook_more); }
  [[nodiscard]] bool instagram() const {
    return instagram_front || instagram_old || (content && media);
  }
  bool json = false, flickr = false, flickr_beside = false, x = false, facebook_front = false,
       instagram_front = false, instagram_old = false, posts = false, media = false,
       content = false, facebook_more = false;
};

std::string inside(const std::string& path, const std::string& folder) {
  return folder.empty() ? path : path.substr(std::min(folder.size() + 1, path.size()));
}

}  // namespace

bool may_tell(std::string_view file_name) {
  return file_name.ends_with(".json") || is_tweet_file(file_name);
}

std::size_t telling_bytes_max(std::string_view file_name) {
  return is_tweet_file(file_name) ? kTweetsMax : kPostsMax;
}

bool looks_telling(std::string_view text) {
  constexpr std::array kMarks{"photoTakenTime"sv, "creationTime"sv, "creation_timestamp"sv,
                              "\"uri\""sv,        "photopage"sv,    "date_taken"sv,
                              "id_str"sv,         "full_text"sv};
  return std::any_of(kMarks.begin(), kMarks.end(), [&](std::string_view mark) {
    return text.find(mark) != std::string_view::npos;
  });
}

bool SocialExports::is_known(const std::string& folder, std::string_view source) const {
  return std::any_of(posts_.begin(), posts_.end(), [&](const Posts& one) {
    return one.source == source && (one.folder.empty() || lies_in(folder, one.folder));
  });
}

void SocialExports::enter(const std::string& folder, std::span<const std::string_view> names) {
  const Signs signs(names);
  if (signs.facebook() && !is_known(folder, "Facebook")) read_meta(folder, "Facebook", kFacebook);
  if (signs.instagram() && !is_known(folder, "Instagram"))
    read_meta(folder, "Instagram", kInstagram);
  if (signs.x) read_x(folder, names);
  if (signs.flickr) read_flickr(folder, names);
  if (signs.flickr_beside) {  // the photos' folders stand beside that of what is said of them
    for (const std::string_view name : names) {
      if (name.starts_with("data-download-")) continue;
      const std::string beside = joined(folder, name);
      const std::vector<std::string> there = files_.names(beside);
      read_flickr(beside, std::vector<std::string_view>(there.begin(), there.end()));
    }
  }
  if (!signs.json) return;
  std::vector<std::string>& kept = json_names_[folder];
  for (const std::string_view name : names) {
    if (name.ends_with(".json")) kept.emplace_back(name);
  }
  std::sort(kept.begin(), kept.end());
}

void SocialExports::read_meta(const std::string& folder, const char* source,
                              std::span<const std::string_view> places) {
  Posts posts{folder, source, {}};
  for (const std::string_view front : kFronts) {
    for (const std::string_view place : places) {
      std::string at = folder;
      if (!front.empty()) at = joined(at, front);
      if (!place.empty()) at = joined(at, place);
      for (const std::string& name : files_.names(at)) {
        if (place.empty() ? name != kOldest : !name.ends_with(".json")) continue;
        if (const auto text = files_.read(joined(at, name), kPostsMax))
          read_meta_posts(*text, source, posts.photos);
      }
    }
  }
  posts_.push_back(std::move(posts));
}

void SocialExports::read_x(const std::string& folder, std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    if (!is_tweet_file(name)) continue;
    if (const auto text = files_.read(joined(folder, name), kTweetsMax))
      read_tweets(*text, tweets_);
  }
}

void SocialExports::read_flickr(const std::string& folder,
                                std::span<const std::string_view> names) {
  if (!flickr_folders_.insert(folder).second) return;
  for (const std::string_view name : names) {
    const std::string_view number = flickr_number(name);
    if (!number.empty()) flickr_.emplace(number, joined(folder, name));
  }
}

KeptValues SocialExports::takeout_of(const std::string& folder, const std::string& name) {
  const auto names = json_names_.find(folder);
  if (names == json_names_.end()) return {};
  for (const TakeoutSidecar& sidecar : takeout_sidecars(name, names->second)) {
    const auto text = files_.read(joined(folder, sidecar.name), kSidecarMax);
    if (!text) continue;
    if (auto kept = read_takeout(*text, name, sidecar.sure)) return std::move(*kept);
  }
  return {};
}

/// Its number is between underscores: "title_123_o.jpg", "123_0a1b2c_o.jpg".
KeptValues SocialExports::flickr_of(const std::string& name) {
  if (flickr_.empty()) return {};
  std::string_view rest(name);
  rest = rest.substr(0, rest.rfind('.'));
  while (!rest.empty()) {
    const auto end = rest.rfind('_');
    const std::string_view part = end == std::string_view::npos ? rest : rest.substr(end + 1);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
    if (!is_number(part)) continue;
    const auto at = flickr_.find(std::string(part));
    if (at == flickr_.end()) continue;
    const auto text = files_.read(at->second, kSidecarMax);
    if (!text) continue;
    if (auto kept = read_flickr_photo(*text)) return std::move(*kept);
  }
  return {};
}

KeptValues SocialExports::posts_of(const std::string& path, const std::string& name) {
  for (const Posts& posts : posts_) {
    if (!posts.folder.empty() && !lies_in(path, posts.folder)) continue;
    const auto at = posts.photos.find(media_key(inside(path, posts.folder)));
    if (at != posts.photos.end()) return at->second;
  }
  if (tweets_.empty()) return {};
  const std::string folder = std::string(base_name(folder_of(path)));
  if (folder.find("tweet") == std::string::npos) return {};
  const auto at = tweets_.find(tweet_of(name));
  return at == tweets_.end() ? KeptValues() : at->second;
}

KeptValues SocialExports::of(const std::string& path) {
  const std::string name(base_name(path));
  KeptValues kept = posts_of(path, name);
  if (kept.empty()) kept = takeout_of(folder_of(path), name);
  if (kept.empty()) kept = flickr_of(name);
  return counted(std::move(kept));
}

KeptValues SocialExports::of_another_part(const std::string& path) {
  const std::string name(base_name(path));
  KeptValues kept = posts_of(path, name);
  return counted(kept.empty() ? flickr_of(name) : std::move(kept));
}

KeptValues SocialExports::counted(KeptValues kept) {
  for (const auto& [column, value] : kept) {
    if (column == "source") ++described_[value];
  }
  return kept;
}

}  // namespace photoscribe::sidecars
