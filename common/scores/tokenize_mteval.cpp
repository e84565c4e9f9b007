// Tokenisers of other tools: white space, and mteval-v13a as sacreBLEU has it.
#include <array>

#include "common/scores/tokenize.h"

namespace photoscribe {
namespace {

/// Bytes of the white space that `text` begins with, by Python's str.isspace; 0 for none.
std::size_t space_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first == ' ' || (first >= 0x09 && first <= 0x0d) || (first >= 0x1c && first <= 0x1f))
    return 1;
  if (first < 0x80) return 0;
  static constexpr std::array<std::string_view, 19> kWide{
      "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
      "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
      "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
  for (const std::string_view space : kWide)
    if (text.starts_with(space)) return space.size();
  return 0;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_point(char c) { return c == '.' || c == ','; }
/// ASCII punctuation less the apostrophe, comma, hyphen and full stop.
bool is_symbol(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

/// One pass of mteval's rules: where `first` and `second` accept two neighbours, `before` blanks go
/// in front of the pair, one between, and `after` behind. Pairs do not overlap.
template <class First, class Second>
std::string spread(const std::string& text, First first, Second second, bool before, bool after) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (at + 1 < text.size() && first(text[at]) && second(text[at + 1])) {
      if (before) out += ' ';
      ((out += text[at]) += ' ') += text[at + 1];
      if (after) out += ' ';
      ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

Tokens split_tokens(std::string_view caption) {
  Tokens tokens;
  bool inside = false;
  while (!caption.empty()) {
    if (const std::size_t space = space_length(caption); space != 0) {
      inside = false;
      caption.remove_prefix(space);
      continue;
    }
    if (!inside) tokens.emplace_back();
    inside = true;
    tokens.back() += caption.front();
    caption.remove_prefix(1);
  }
  return tokens;
}

Tokens mteval_13a_tokens(std::string_view caption) {
  std::string text(caption);
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  std::string spaced = " ";
  for (const char c : text) {
    if (is_symbol(c)) {
      ((spaced += ' ') += c) += ' ';
    } else {
      spaced += c;
    }
  }
  spaced += ' ';
  const auto is_other = [](char c) { return !is_digit(c); };
  const auto is_dash = [](char c) { return c == '-'; };
  spaced = spread(spaced, is_other, is_point, false, true);
  spaced = spread(spaced, is_point, is_other, true, false);
  spaced = spread(spaced, is_digit, is_dash, false, true);
  return split_tokens(spaced);
}

std::string_view name_of(Tokenizer tokenizer) noexcept {
  switch (tokenizer) {
    case Tokenizer::none:
      return "none";
    case Tokenizer::mteval_13a:
      return "13a";
    case Tokenizer::ptb:
      break;
  }
  return "ptb";
}

std::optional<Tokenizer> tokenizer_named(std::string_view name) noexcept {
  for (const Tokenizer one : {Tokenizer::ptb, Tokenizer::none, Tokenizer::mteval_13a})
    if (name_of(one) == name) return one;
  return std::nullopt;
}

Tokens tokens_of(Tokenizer tokenizer, std::string_view caption) {
  switch (tokenizer) {
    case Tokenizer::none:
      return split_tokens(caption);
    case Tokenizer::mteval_13a:
      return mteval_13a_tokens(caption);
    case Tokenizer::ptb:
      break;
  }
  return ptb_tokens(caption);
}

}  // namespace photoscribe
