#include "common/scores/tokenize.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "common/scores/ptb_scan.h"

namespace photoscribe {
namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || (c & 0x80) != 0; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return is_letter(c) || is_digit(c); }

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// coco-caption, ptbtokenizer.py: PUNCTUATIONS. Compared after lower-casing, so the bracket names
// never match.
constexpr std::array<std::string_view, 17> kPunctuation{
    "''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".",
    "?",  "!", ",",  ":", "-",     "--",    "...",   ";"};

// Abbreviations that keep their full stop wherever they stand.
constexpr std::array<std::string_view, 26> kAbbreviations{
    "mr",   "mrs", "ms",   "dr",   "st",  "jr", "sr",  "prof",  "rev",
    "gen",  "col", "capt", "lt",   "sgt", "vs", "etc", "inc",   "ltd",
    "corp", "ave", "blvd", "dept", "fig", "mt", "ft",  "approx"};

// Suffixes that the Treebank splits from the word before them.
constexpr std::array<std::string_view, 7> kClitics{"n't", "'s", "'re", "'ve", "'ll", "'d", "'m"};

struct SplitWord {
  std::string_view word, first, second;
};
constexpr std::array<SplitWord, 7> kSplitWords{{{"cannot", "can", "not"},
                                                {"gonna", "gon", "na"},
                                                {"gotta", "got", "ta"},
                                                {"lemme", "lem", "me"},
                                                {"gimme", "gim", "me"},
                                                {"wanna", "wan", "na"},
                                                {"'tis", "'t", "is"}}};

/// In lower case, with typographic quotes, dashes and the ellipsis as the ASCII that the rules
/// below know.
void to_ascii(std::string_view text, std::string& out) {
  static constexpr std::array<std::array<std::string_view, 2>, 8> kSpellings{{{"\u2018", "'"},
                                                                              {"\u2019", "'"},
                                                                              {"\u201c", "\""},
                                                                              {"\u201d", "\""},
                                                                              {"\u2013", " -- "},
                                                                              {"\u2014", " -- "},
                                                                              {"\u2026", "..."},
                                                                              {"\u00a0", " "}}};
  out.clear();
  while (!text.empty()) {
    const char c = text.front();
    const auto found =
        (c & 0x80) == 0 ? kSpellings.end()
                        : std::find_if(kSpellings.begin(), kSpellings.end(),
                                       [&](const auto& one) { return text.starts_with(one[0]); });
    if (found != kSpellings.end()) {
      out += (*found)[1];
      text.remove_prefix((*found)[0].size());
    } else {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      text.remove_prefix(1);
    }
  }
}

/// End of the word that begins at `at`: letters and digits, joined by single marks that the
/// Treebank keeps inside.
std::size_t word_end(std::string_view text, std::size_t at) {
  const bool number = is_digit(text[at]);
  std::size_t end = at;
  while (end < text.size()) {
    if (is_word(text[end])) {
      ++end;
      continue;
    }
    const char mark = text[end];
    const bool between = end + 1 < text.size() && is_word(text[end + 1]);
    const bool digits = number && between && is_digit(text[end - 1]) && is_digit(text[end + 1]);
    const bool joins =
        mark == '-' || mark == '\'' || mark == '/' || mark == '_' || mark == '&' || mark == '@';
    // "u.s.", "a.m.": single letters with full stops; "t-shirt", "o'clock", "1,000", "10:30", "3.5"
    const bool initials =
        mark == '.' && is_letter(text[end - 1]) && (end - at < 2 || text[end - 2] == '.');
    if ((joins && between) || (digits && (mark == ',' || mark == '.' || mark == ':')) ||
        (initials && between)) {
      ++end;
    } else if (initials && end - at >= 2) {
      return end + 1;
    } else {
      break;
    }
  }
  if (end < text.size() && text[end] == '.' && contains(kAbbreviations, text.substr(at, end - at)))
    ++end;
  return end;
}

/// Tells of the mark at `at`; returns where to go on.
std::size_t scan_mark(std::string_view text, std::size_t at, PtbSink& sink) {
  const char mark = text[at];
  const auto run = text.find_first_not_of(mark, at);
  const std::size_t length = (run == std::string_view::npos ? text.size() : run) - at;
  switch (mark) {
    case '.':
      sink.mark(length >= 2 ? "..." : ".");
      return at + length;
    case '-':
      sink.mark(length >= 2 ? "--" : "-");
      return at + length;
    case '!':
    case '?':
      sink.mark(text.substr(at, 1));
      return at + length;
    case '"': {
      const bool opens = at == 0 || text[at - 1] == ' ' || text[at - 1] == '(';
      sink.mark(opens ? "``" : "''");
      return at + 1;
    }
    case '`':
    case '\'':
      sink.mark(text.substr(at, std::min<std::size_t>(length, 2)));
      return at + length;
    case '(':
      sink.mark("-lrb-");
      return at + 1;
    case ')':
      sink.mark("-rrb-");
      return at + 1;
    case '{':
      sink.mark("-lcb-");
      return at + 1;
    case '}':
      sink.mark("-rcb-");
      return at + 1;
    case '/':
    case '*':
      sink.mark(mark == '/' ? "\\/" : "\\*");
      return at + 1;
    default:
      sink.mark(text.substr(at, 1));
      return at + 1;
  }
}

/// A clitic or a word that begins with an apostrophe: "'s" standing alone, "'tis", "'em", "'90s".
/// 0: none here.
std::size_t apostrophe_word(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && is_word(text[end])) ++end;
  const std::string_view word = text.substr(at, end - at);
  const bool decade = word.size() >= 3 && is_digit(word[1]);
  const bool known = contains(kClitics, word) || word == "'tis" || word == "'em" || word == "'n";
  return known || decade ? end : 0;
}

/// All tokens as texts.
class TokenList final : public PtbSink {
 public:
  void word(std::string_view word) override { ptb_word_tokens(word, tokens); }
  void mark(std::string_view token) override { tokens.emplace_back(token); }
  Tokens tokens;
};

}  // namespace

void ptb_word_tokens(std::string_view word, Tokens& out) {
  for (const SplitWord& split : kSplitWords) {
    if (word == split.word) {
      out.emplace_back(split.first);
      out.emplace_back(split.second);
      return;
    }
  }
  for (const std::string_view clitic : kClitics) {
    if (word.size() > clitic.size() && word.ends_with(clitic)) {
      ptb_word_tokens(word.substr(0, word.size() - clitic.size()), out);
      out.emplace_back(clitic);
      return;
    }
  }
  std::string token;
  for (const char c : word) {
    if (c == '/') token += '\\';  // the Treebank writes a slash inside a word as \/
    token += c;
  }
  out.push_back(std::move(token));
}

bool is_ptb_punctuation(std::string_view token) noexcept { return contains(kPunctuation, token); }

void scan_ptb(std::string_view caption, std::string& scratch, PtbSink& sink) {
  to_ascii(caption, scratch);
  const std::string_view text = scratch;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (std::isspace(static_cast<unsigned char>(c)) ||
        std::iscntrl(static_cast<unsigned char>(c))) {
      ++at;
    } else if (is_word(c)) {
      const std::size_t end = word_end(text, at);
      sink.word(text.substr(at, end - at));
      at = end;
    } else if (const std::size_t end = c == '\'' ? apostrophe_word(text, at) : 0; end != 0) {
      sink.word(text.substr(at, end - at));
      at = end;
    } else {
      at = scan_mark(text, at, sink);
    }
  }
}

Tokens ptb_tokens_with_punctuation(std::string_view caption) {
  std::string scratch;
  TokenList list;
  scan_ptb(caption, scratch, list);
  return std::move(list.tokens);
}

Tokens ptb_tokens(std::string_view caption) {
  Tokens tokens = ptb_tokens_with_punctuation(caption);
  std::erase_if(tokens, [](const std::string& token) { return is_ptb_punctuation(token); });
  return tokens;
}

}  // namespace photoscribe
