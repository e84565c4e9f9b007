#include "scheduler/store/search_query.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/sqlite/storage.h"
#include "common/text/did_you_mean.h"
#include "common/text/words.h"
#include "scheduler/store/search_fields.h"

namespace photoscribe {
namespace {

constexpr std::size_t kQueryMax = 1'000;  // bytes
constexpr int kWordsMax = 64, kDepthMax = 16;
constexpr std::size_t kBeginningMin = 3;  // letters: fewer fit a large part of any archive

/// A column of photo_search, and the mark of its words; FTS5's syntax of a column filter.
struct Place {
  std::string columns;
  std::string mark;
};
using Places = std::vector<Place>;

/// "Photo-Credit" is "photo credit".
std::string plain_name(std::string_view name) {
  std::string plain(name);
  for (char& c : plain) {
    if (c == '_' || c == '-') c = ' ';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return plain;
}

/// Where a word may stand: anywhere, or in the columns of a name.
class Names {
 public:
  Names(const KeptColumnIds& kept, bool original)
      : captions_(original ? "{caption original}" : "{edited caption}") {
    named_ = {{"caption", {captions_, ""}},
              {"edited", {"edited", ""}},
              {"original", {"{caption original}", ""}},
              {"path", {"path", ""}},
              {"text", {"kept", ""}},
              {"sees", {"fields", std::string(kConceptMark)}}};
    for (const auto& [name, id] : kept) {
      named_.emplace(plain_name(name), Place{"fields", column_mark(id)});
    }
    anywhere_ = {{original ? "{caption original kept path}" : "{edited caption kept path}", ""}};
  }
  [[nodiscard]] const Places& anywhere() const { return anywhere_; }
  [[nodiscard]] Places called(std::string_view name) const {
    Places places;
    const auto [begin, end] = named_.equal_range(plain_name(name));
    for (auto one = begin; one != end; ++one) places.push_back(one->second);
    return places;
  }
  [[nodiscard]] std::vector<std::string> all() const {
    std::vector<std::string> names;
    for (const auto& [name, place] : named_) {
      if (names.empty() || names.back() != name) names.push_back(name);
    }
    return names;
  }

 private:
  std::string captions_;
  std::multimap<std::string, Place> named_;
  Places anywhere_;
};

bool is_blank(char32_t c) {
  return c <= ' ' || c == 0x7f || c == 0xa0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200b) ||
         c == 0x2028 || c == 0x2029;
}
/// Straight ones, and what telephones make of them.
bool is_quote(char32_t c) { return c == '"' || (c >= 0x201c && c <= 0x201f); }
bool is_minus(char32_t c) { return c == '-' || c == 0x2212 || c == 0x2013; }

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for_each_word(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

/// Expressions joined, in brackets where they are several.
std::string joined(const std::vector<std::string>& all, const char* by) {
  if (all.size() == 1) return all.front();
  std::string out;
  for (const std::string& one : all) out += (out.empty() ? "(" : by) + one;
  return out + ")";
}

std::string every_photo_but() { return "(fields : \"" + std::string(kEveryPhoto) + "\" NOT "; }
std::string without(const std::string& expression) { return every_photo_but() + expression + ")"; }

class Parser {
 public:
  Parser(std::string_view query, const Names& names) : rest_(query), names_(names) {}

  Expected<std::string> parse() {
    std::optional<std::string> all = group(names_.anywhere());
    while (!failed_ && !rest_.empty()) {  // behind a bracket that nobody opened
      take();
      std::optional<std::string> more = group(names_.anywhere());
      if (more) all = all ? joined({*all, *more}, " AND ") : *more;
    }
    if (failed_) return fail(Errc::usage, *failed_);
    return all.value_or("");
  }

 private:
  [[nodiscard]] char32_t next() const {
    if (rest_.empty()) return ' ';
    const Character one = first_character(rest_);
    return one.is_utf8() ? one.code_point : 0xfffd;
  }
  std::string_view take() {
    const std::string_view bytes = first_character(rest_).bytes;
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  [[nodiscard]] bool at_blank() const { return rest_.empty() || is_blank(next()); }
  void skip_blanks() {
    while (!rest_.empty() && is_blank(next())) take();
  }
  void refuse(const std::string& why) {
    if (!failed_) failed_ = why;
  }

  /// Takes `word` where it stands alone.
  bool take_word(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    const std::string_view before = rest_;
    rest_.remove_prefix(word.size());
    if (at_blank() || next() == '(') return true;
    rest_ = before;
    return false;
  }

  /// Up to a bracket that closes, or the end. None: no word in it.
  std::optional<std::string> group(const Places& places) {
    std::vector<std::string> with, but;
    for (skip_blanks(); !failed_ && !rest_.empty() && next() != ')'; skip_blanks()) {
      clause(places, with, but);
    }
    if (with.empty() && but.empty()) return std::nullopt;
    if (but.empty()) return joined(with, " AND ");
    if (with.empty()) return without(joined(but, " OR "));
    return "(" + joined(with, " AND ") + " NOT " + joined(but, " OR ") + ")";
  }

  /// Terms with OR between them.
  void clause(const Places& places, std::vector<std::string>& with, std::vector<std::string>& but) {
    std::vector<std::string> any;
    int terms = 0;
    bool excluded = false;
    do {
      bool minus = false;
      std::optional<std::string> one = term(places, minus);
      skip_blanks();
      if (!one) continue;
      ++terms;
      excluded = minus;
      any.push_back(minus ? without(*one) : *one);
      if (minus) last_excluded_ = *one;
    } while (!failed_ && (take_word("OR") || take_word("|")) && (skip_blanks(), !rest_.empty()));
    if (terms == 0) return;
    if (terms == 1 && excluded) {
      but.push_back(last_excluded_);
    } else {
      with.push_back(joined(any, " OR "));
    }
  }

  std::optional<std::string> term(const Places& places, bool& minus) {
    for (;;) {
      skip_blanks();
      if (take_word("AND") || take_word("&&") || take_word("OR") || take_word("|")) continue;
      if (take_word("NOT")) {
        minus = true;
        continue;
      }
      const std::string_view before = rest_;
      if (!rest_.empty() && (is_minus(next()) || next() == '+')) {
        const bool excludes = is_minus(next());
        take();
        if (at_blank()) return std::nullopt;
        minus = minus || excludes;
        continue;
      }
      rest_ = before;
      break;
    }
    if (rest_.empty() || next() == ')') return std::nullopt;
    if (next() == '(') return brackets(places);
    if (is_quote(next())) return phrase(places);
    return word(places);
  }

  std::optional<std::string> brackets(const Places& places) {
    take();
    if (++depth_ > kDepthMax) refuse("too many brackets inside each other");
    std::optional<std::string> inside = group(places);
    --depth_;
    if (!rest_.empty() && !failed_) take();
    return inside;
  }

  std::string quoted_text() {
    take();
    std::string text;
    while (!rest_.empty() && !is_quote(next())) text += take();
    if (!rest_.empty()) take();
    return text;
  }

  std::optional<std::string> phrase(const Places& places) {
    const std::string text = quoted_text();
    if (next() == ':' && !rest_.empty()) {
      const Places named = names_.called(text);
      if (!named.empty()) return in_column(named);
    }
    const bool begins = take_star();
    return found(text, begins, places);
  }

  bool take_star() {
    if (!rest_.starts_with("*")) return false;
    while (rest_.starts_with("*")) take();
    return true;
  }

  /// Behind the name of a column: its colon, and what is looked for there.
  std::optional<std::string> in_column(const Places& named) {
    take();
    if (at_blank()) return std::nullopt;
    if (next() == '(') return brackets(named);
    if (is_quote(next())) return phrase(named);
    return word(named);
  }

  std::optional<std::string> word(const Places& places) {
    std::string text;
    while (!at_blank() && !is_quote(next()) && !(next() == ')' && depth_ > 0)) {
      if (next() == ':' && is_column(text)) return in_column(names_.called(text));
      if (next() == ':' && looks_like_a_column(text)) {
        refuse("there is no column \"" + text + "\" here" + did_you_mean(text, names_.all()) +
               (names_.all().empty() ? "" : " (" + all_names() + ")") +
               "; in double quotes it is searched for as text");
        return std::nullopt;
      }
      text += take();
    }
    const bool begins = text.ends_with('*');
    return found(text, begins, places);
  }

  [[nodiscard]] std::string all_names() const {
    std::string out;
    for (const std::string& name : names_.all()) out += (out.empty() ? "" : ", ") + name;
    return "there are: " + out;
  }
  [[nodiscard]] bool is_column(const std::string& text) const {
    return rest_.size() > 1 && !is_blank(first_character(rest_.substr(1)).code_point) &&
           !names_.called(text).empty();
  }
  /// Not the hour of 12:30, the scheme of https://, the drive of C:\ or the end of "note:".
  [[nodiscard]] bool looks_like_a_column(const std::string& text) const {
    const bool letters = text.size() > 1 && std::all_of(text.begin(), text.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
                         });
    if (!letters || rest_.size() < 2 || rest_.starts_with("://")) return false;
    const Character behind = first_character(rest_.substr(1));
    return is_of_word(behind) || (behind.is_utf8() && is_quote(behind.code_point));
  }

  /// Words of one term, as a phrase in each place.
  std::optional<std::string> found(std::string_view text, bool begins, const Places& places) {
    const std::vector<std::string> words = words_of(text);
    if (words.empty()) return std::nullopt;
    words_ += static_cast<int>(words.size());
    if (words_ > kWordsMax) refuse("more than " + std::to_string(kWordsMax) + " words");
    std::size_t letters = 0;
    for_each_character(words.back(), [&letters](const Character&) { ++letters; });
    if (begins && letters < kBeginningMin) {
      refuse(words.back() + "*: write at least three letters before the *");
    }
    std::vector<std::string> any;
    for (const Place& place : places) {
      std::string side_by_side;
      for (const std::string& one : words) {
        side_by_side += (side_by_side.empty() ? "" : " ") + place.mark + one;
      }
      any.push_back(place.columns + " : \"" + side_by_side + "\"" + (begins ? " *" : ""));
    }
    return joined(any, " OR ");
  }

  std::string_view rest_;
  const Names& names_;
  int depth_ = 0, words_ = 0;
  std::string last_excluded_;
  std::optional<std::string> failed_;
};

}  // namespace

bool only_excludes(const std::string& expression) {
  return expression.starts_with(every_photo_but());
}

Expected<std::string> search_expression(std::string_view query, const KeptColumnIds& columns,
                                        bool original) {
  if (query.size() > kQueryMax) {
    return fail(Errc::usage,
                "the search has more than " + std::to_string(kQueryMax) + " characters");
  }
  const Names names(columns, original);
  Expected<std::string> expression = Parser(query, names).parse();
  if (!expression) return fail(expression.error());
  bool blank = true;
  for_each_character(query, [&blank](const Character& one) {
    blank = blank && one.is_utf8() && is_blank(one.code_point);
  });
  if (expression->empty() && !blank) {
    return fail(Errc::usage, "nothing to look for in \"" + sqlite::text_of(query) +
                                 "\"; a word has letters or digits");
  }
  return expression;
}

}  // namespace photoscribe
