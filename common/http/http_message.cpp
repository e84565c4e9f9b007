#include "common/http/http_message.h"

#include <charconv>

namespace photoscribe::http {
namespace {

const std::string kNothing;

const std::string& value_or_nothing(const std::map<std::string, std::string>& map,
                                    const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? kNothing : found->second;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Calls `each` for what stands between separators.
template <class Each>
void for_each_part(std::string_view text, char separator, Each&& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

const std::string& Request::header(const std::string& name) const {
  return value_or_nothing(headers, name);
}

const std::string& Request::parameter(const std::string& name) const {
  return value_or_nothing(query, name);
}

std::string Request::cookie(std::string_view name) const {
  std::string value;
  for_each_part(header("cookie"), ';', [&](std::string_view part) {
    part = trimmed(part);
    const auto equals = part.find('=');
    if (equals != std::string_view::npos && part.substr(0, equals) == name) {
      value = part.substr(equals + 1);
    }
  });
  return value;
}

Answer plain_answer(int status, std::string text) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(text) + "\n";
  return answer;
}

std::optional<std::string> url_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') return std::nullopt;
    if (text[i] != '%') {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, wrong] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || wrong != std::errc{} || end != digits.data() + 2 || value == 0) {
      return std::nullopt;
    }
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

std::optional<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) return std::nullopt;
  const std::size_t mark = std::min(target.find('?'), target.size());
  auto path = url_decoded(target.substr(0, mark), false);
  if (!path) return std::nullopt;
  Target out{std::move(*path), {}};
  bool good = true;
  if (mark < target.size()) {
    for_each_part(target.substr(mark + 1), '&', [&](std::string_view part) {
      if (part.empty()) return;
      const std::size_t equals = std::min(part.find('='), part.size());
      const auto name = url_decoded(part.substr(0, equals), true);
      const auto value = url_decoded(part.substr(std::min(equals + 1, part.size())), true);
      if (name && value) {
        out.query[*name] = *value;
      } else {
        good = false;
      }
    });
  }
  if (!good) return std::nullopt;
  return out;
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
  bool found = false;
  for_each_part(if_none_match, ',', [&](std::string_view part) {
    part = trimmed(part);
    if (part.starts_with("W/")) part.remove_prefix(2);
    if (part == "*" || (part.size() == etag.size() + 2 && part.front() == '"' &&
                        part.back() == '"' && part.substr(1, etag.size()) == etag)) {
      found = true;
    }
  });
  return found;
}

}  // namespace photoscribe::http
