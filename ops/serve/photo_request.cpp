#include "ops/serve/photo_request.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "common/http/http_message.h"
#include "common/text/utf8.h"
#include "common/text/words.h"

namespace photoscribe::serve {
namespace {

const std::string& given(const Parameters& parameters, const std::string& name) {
  static const std::string kNothing;
  const auto found = parameters.find(name);
  return found == parameters.end() ? kNothing : found->second;
}

tl::unexpected<Error> wrong(const std::string& name, const std::string& value,
                            const std::string& what) {
  return fail(Errc::usage, name + ": \"" + replaced(value) + "\" is " + what);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "2026-11-28" → its first second, UTC.
std::optional<std::int64_t> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = parse_integer(text.substr(0, 4)), month = parse_integer(text.substr(5, 2)),
             date = parse_integer(text.substr(8, 2));
  if (!year || !month || !date || *month < 1 || *date < 1) return std::nullopt;
  const std::chrono::year_month_day ymd{std::chrono::year(static_cast<int>(*year)),
                                        std::chrono::month(static_cast<unsigned>(*month)),
                                        std::chrono::day(static_cast<unsigned>(*date))};
  if (!ymd.ok()) return std::nullopt;
  return std::chrono::sys_days(ymd).time_since_epoch().count() * std::int64_t{86'400};
}

Status read_time(const Parameters& parameters, const std::string& name,
                 std::optional<std::int32_t>& into) {
  const std::string& text = given(parameters, name);
  if (text.empty()) return {};
  auto seconds = parse_day(text);
  if (seconds && name == "until") *seconds += 86'400;  // the whole day
  if (!seconds) seconds = parse_integer(text);
  if (!seconds) return wrong(name, text, "not a date such as 2026-11-28");
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  into = static_cast<std::int32_t>(std::clamp(*seconds, -kMost, kMost));
  return {};
}

Status read_bound(const Parameters& parameters, const std::string& name,
                  std::optional<float>& into) {
  const auto value = real_parameter(parameters, name);
  if (!value) return fail(value.error());
  if (*value) into = static_cast<float>(**value);
  return {};
}

Status read_states(const Parameters& parameters, std::vector<ImageState>& states) {
  std::istringstream list(given(parameters, "state"));
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "pending") {
      states.push_back(ImageState::pending);
    } else if (name == "done") {
      states.push_back(ImageState::done);
    } else if (name == "unsure") {
      states.push_back(ImageState::unsure);
    } else if (name == "blurred") {
      states.push_back(ImageState::blurred);
    } else if (name == "failed") {
      states.push_back(ImageState::failed);
    } else {
      return wrong("state", name, "not one of pending, done, unsure, blurred, failed");
    }
  }
  return {};
}

Status read_sort(const Parameters& parameters, bool searching, PhotoFilter& filter) {
  filter.sort = searching ? PhotoSort::rank : PhotoSort::added;
  if (const std::string& name = given(parameters, "sort"); !name.empty()) {
    const auto sort = photo_sort_from(name);
    if (!sort) return wrong("sort", name, "not a sort order");
    if (*sort != PhotoSort::rank || searching) filter.sort = *sort;
  }
  const std::string& order = given(parameters, "order");
  if (!order.empty() && order != "asc" && order != "desc") {
    return wrong("order", order, "neither asc nor desc");
  }
  filter.descending = order == "desc";
  return {};
}

Status read_place(const Parameters& parameters, PhotoQuery& query) {
  const auto root =
      integer_parameter(parameters, "root", 0, std::numeric_limits<std::int64_t>::max(), 0);
  if (!root) return fail(root.error());
  query.root_id = *root;
  const auto folder = http::url_decoded(given(parameters, "folder"), false);
  if (!folder) return wrong("folder", given(parameters, "folder"), "not a path");
  query.folder = *folder;
  return {};
}

/// Identifies the list: all parameters except those that choose a part of it.
std::string key_of(const Parameters& parameters) {
  std::string key;
  for (const auto& [name, value] : parameters) {
    if (name == "at" || name == "limit" || name == "view" || value.empty()) continue;
    key += name + "=" + std::to_string(value.size()) + ":" + value + "&";
  }
  return key;
}

}  // namespace

Expected<std::int64_t> integer_parameter(const Parameters& parameters, const std::string& name,
                                         std::int64_t least, std::int64_t most,
                                         std::int64_t fallback) {
  const std::string& text = given(parameters, name);
  if (text.empty()) return fallback;
  const auto value = parse_integer(text);
  if (value && *value >= least && *value <= most) return *value;
  return wrong(name, text,
               "not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
}

Expected<std::optional<double>> real_parameter(const Parameters& parameters,
                                               const std::string& name) {
  const std::string& text = given(parameters, name);
  if (text.empty()) return std::optional<double>();
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return wrong(name, text, "not a number");
  }
  return std::optional<double>(value);
}

std::string as_typed(std::string words) {
  constexpr std::size_t kPrefixMin = 3;  // letters, as search_expression() wants them
  std::size_t letters = 0;
  while (letters < words.size() &&
         (std::isalnum(static_cast<unsigned char>(words[words.size() - 1 - letters])) != 0 ||
          (words[words.size() - 1 - letters] & '\x80') != 0))
    ++letters;
  const bool excludes = letters < words.size() && words[words.size() - 1 - letters] == '-';
  const bool quoted = std::count(words.begin(), words.end(), '"') % 2 != 0;
  std::string_view last;  // word, as the search index splits words
  for_each_word(std::string_view(words).substr(words.size() - letters),
                [&last](std::string_view word) { last = word; });
  std::size_t characters = 0;
  for_each_character(last, [&characters](const Character&) { ++characters; });
  if (characters >= kPrefixMin && !excludes && !quoted) words += '*';
  return words;
}

Expected<PhotoQuery> photo_query(const Parameters& parameters) {
  PhotoQuery query;
  PhotoFilter& filter = query.filter;
  const auto run =
      integer_parameter(parameters, "run", 1, std::numeric_limits<std::int64_t>::max(), 0);
  if (!run) return fail(run.error());
  if (*run == 0) return fail(Errc::usage, "run: say which, by its id");
  query.run = *run;
  query.words = as_typed(given(parameters, "q"));
  query.edited = given(parameters, "edited") == "1";
  filter.near_duplicates = given(parameters, "near_duplicates") == "1";
  filter.vanished = given(parameters, "vanished") == "1";
  if (const std::string& reason = given(parameters, "reason"); !reason.empty()) {
    filter.reason = reason_from_string(reason);
    if (!filter.reason) return wrong("reason", reason, "not a reason for a failure");
  }
  Status good = read_states(parameters, filter.states);
  if (good) good = read_time(parameters, "since", filter.since_unix_s);
  if (good) good = read_time(parameters, "until", filter.until_unix_s);
  if (good) good = read_bound(parameters, "confidence_min", filter.confidence_min);
  if (good) good = read_bound(parameters, "confidence_max", filter.confidence_max);
  if (good) good = read_bound(parameters, "blur_min", filter.blur_min);
  if (good) good = read_bound(parameters, "blur_max", filter.blur_max);
  if (good) good = read_sort(parameters, !query.words.empty(), filter);
  if (good) good = read_place(parameters, query);
  if (!good) return fail(good.error());
  query.key = key_of(parameters);
  return query;
}

}  // namespace photoscribe::serve
