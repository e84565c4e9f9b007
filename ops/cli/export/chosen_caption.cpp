#include "ops/cli/export/chosen_caption.h"

#include <vector>

#include "common/text/utf8.h"

namespace photoscribe::cli {
namespace {

constexpr std::string_view kEllipsis = "…";

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool is_blank(std::string_view character) {
  return character == " " || character == "\t" || character == "\n" || character == "\r";
}

/// The characters, with runs of blanks made one and none at the ends.
std::vector<std::string> characters_of(const std::string& text) {
  std::vector<std::string> all;
  for_each_character(replaced(text), [&](const Character& one) {
    if (!is_blank(one.bytes)) {
      all.emplace_back(one.bytes);
    } else if (!all.empty() && all.back() != " ") {
      all.emplace_back(" ");
    }
  });
  if (!all.empty() && all.back() == " ") all.pop_back();
  return all;
}

bool ends_sentence(const std::string& character) {
  return character == "." || character == "!" || character == "?" || character == "…";
}

/// Cuts after the last word that ends within `max` characters; a single longer word is cut itself.
void cut_behind_word(std::vector<std::string>& characters, std::size_t max) {
  std::size_t end = max;
  while (end > 0 && characters[end] != " ") --end;
  characters.resize(end == 0 ? max : end);
  while (!characters.empty() && (characters.back() == "," || characters.back() == ";" ||
                                 characters.back() == ":" || characters.back() == " "))
    characters.pop_back();
}

}  // namespace

std::optional<ChosenCaption> chosen_caption(const ResultRow& row, const CaptionChoice& choice) {
  if (row.edited_caption && !choice.original)
    return ChosenCaption{*row.edited_caption, std::nullopt, true};
  const bool shown = row.state == "done" || (row.state == "unsure" && choice.include_unsure);
  if (!shown || !row.caption || row.caption->empty()) return std::nullopt;
  if (choice.confidence_min && row.confidence.value_or(0) < *choice.confidence_min)
    return std::nullopt;
  return ChosenCaption{*row.caption, row.confidence, false};
}

std::string alt_text(const std::string& caption, const AltTextStyle& style) {
  std::vector<std::string> characters = characters_of(caption);
  if (characters.empty()) return {};
  if (characters.front().size() == 1) characters.front()[0] = upper(characters.front()[0]);
  const std::size_t max = style.max_characters;
  const bool ended = ends_sentence(characters.back());
  std::string end = ended ? "" : ".";
  if (characters.size() + end.size() > max) {
    cut_behind_word(characters, max - 1);
    end = kEllipsis;
  }
  std::string out;
  for (const std::string& one : characters) out += one;
  return out + end;
}

}  // namespace photoscribe::cli
