#include "ops/cli/terminal/time_word.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "common/text/safe_text.h"

namespace photoscribe::cli {
namespace {

constexpr std::int64_t kMsPerS = 1'000;

struct Span {
  std::int64_t begin_ms = 0, end_ms = 0;
};

std::int64_t local_ms(std::tm parts) {
  parts.tm_isdst = -1;
  return static_cast<std::int64_t>(std::mktime(&parts)) * kMsPerS;
}

/// A number of hours, days, weeks, months or years before now.
Expected<Span> before_now(const std::string& word, std::time_t now) {
  int number = 0, used = 0;
  char unit = 0;
  if (std::sscanf(word.c_str(), "%6d%c%n", &number, &unit, &used) == 2 && number >= 0 &&
      static_cast<std::size_t>(used) == word.size()) {
    constexpr std::array<std::pair<char, std::int64_t>, 5> kUnits{
        {{'h', 3'600}, {'d', 86'400}, {'w', 604'800}, {'m', 2'629'746}, {'y', 31'556'952}}};
    for (const auto& [name, seconds] : kUnits) {
      if (unit != name) continue;
      const std::int64_t at = (static_cast<std::int64_t>(now) - number * seconds) * kMsPerS;
      return Span{at, at};
    }
  }
  return fail(Errc::usage, "\"" + shown(word) +
                               "\" is not a time: write 2019, 2019-06, 2019-06-30, "
                               "2019-06-30T18:05, or 7d (also h, w, m, y) before now");
}

int days_of(int year, int month) {
  const std::chrono::year_month_day_last last{
      std::chrono::year{year},
      std::chrono::month_day_last{std::chrono::month{static_cast<unsigned>(month)}}};
  return static_cast<int>(static_cast<unsigned>(last.day()));
}

Expected<Span> span_of(const std::string& word, std::time_t now) {
  int year = 0, month = 1, day = 1, hour = 0, minute = 0, used = 0;
  const int fields = std::sscanf(word.c_str(), "%4d%n-%2d%n-%2d%n%*1[T ]%2d:%2d%n", &year, &used,
                                 &month, &used, &day, &used, &hour, &minute, &used);
  const bool whole = static_cast<std::size_t>(used) == word.size();
  const bool dated = fields >= 1 && fields != 4 && year >= 1'800 && month >= 1 && month <= 12 &&
                     day >= 1 && day <= days_of(year, month) && hour >= 0 && hour < 24 &&
                     minute >= 0 && minute < 60;
  if (!whole || !dated) return before_now(word, now);
  std::tm begin{};
  begin.tm_year = year - 1'900;
  begin.tm_mon = month - 1;
  begin.tm_mday = day;
  begin.tm_hour = hour;
  begin.tm_min = minute;
  std::tm end = begin;
  if (fields == 1) ++end.tm_year;
  if (fields == 2) ++end.tm_mon;
  if (fields == 3) ++end.tm_mday;
  if (fields == 5) ++end.tm_min;
  return Span{local_ms(begin), local_ms(end)};
}

}  // namespace

Expected<std::int64_t> time_word_begin(const std::string& word, std::time_t now) {
  const Expected<Span> span = span_of(word, now);
  if (!span) return fail(span.error());
  return span->begin_ms;
}

Expected<std::int64_t> time_word_end(const std::string& word, std::time_t now) {
  const Expected<Span> span = span_of(word, now);
  if (!span) return fail(span.error());
  return span->end_ms;
}

}  // namespace photoscribe::cli
