#include "common/scores/object_list.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "common/core/sha256.h"

namespace photoscribe {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(mark);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

constexpr std::string_view kNounEnds[] = {
    "and",    "or",   "on",      "in",    "with",    "of",      "that",   "is",   "are",
    "was",    "sits", "sitting", "next",  "to",      "at",      "from",   "for",  "cut",
    "sliced", "near", "beside",  "being", "into",    "inside",  "lying",  "lies", "laying",
    "which",  "by",   "as",      "while", "hanging", "growing", "under",  "over", "behind",
    "it",     "has",  "have",    "rests", "resting", "against", "between"};
constexpr std::string_view kPredicates[] = {"is",      "are",   "was",      "painted", "wearing",
                                            "bright",  "light", "dark",     "wears",   "in",
                                            "colored", "all",   "something"};
constexpr std::string_view kJoins[] = {"and", "or", "with"};
constexpr std::string_view kNegations[] = {"no", "without"};
constexpr std::string_view kPossessives[] = {"its", "her", "their", "his", "'s"};
constexpr std::string_view kSmalls[] = {"a",     "an",     "the",   "one",  "two",     "three",
                                        "small", "little", "young", "cute", "newborn", "tiny"};

}  // namespace

tl::unexpected<Error> ObjectListReader::wrong(const std::string& why) const {
  return fail(Errc::invalid_config, file_ + ", line " + std::to_string(line_) + ": " + why);
}

Expected<ObjectLexicon> ObjectListReader::read() {
  std::string joined;  // a line with those that continue it
  std::int64_t number = 0;
  const auto finish = [&]() -> Status {
    const Status taken = take(trimmed(joined));
    joined.clear();
    return taken;
  };
  for (std::string_view rest = text_; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    line = line.substr(0, line.find('#'));
    const bool goes_on = !line.empty() && (line.front() == ' ' || line.front() == '\t');
    if (!goes_on) {
      if (Status taken = finish(); !taken) return fail(taken.error());
      line_ = number;
    }
    joined += line;
  }
  if (Status taken = finish(); !taken) return fail(taken.error());
  if (lexicon_.objects_.empty()) return fail(Errc::invalid_config, file_ + ": lists no object");
  mark_grammar();
  lexicon_.hash_ = to_hex(sha256_of(text_.data(), text_.size())).substr(0, 12);
  return std::move(lexicon_);
}

Status ObjectListReader::take(std::string_view line) {
  if (line.empty()) return {};
  if (line.front() == '[') return enter(line);
  switch (section_) {
    case Section::coco:
    case Section::ours:
      return add_object(line);
    case Section::implied:
      return add_implied(line);
    default:
      return add_words(line);
  }
}

Status ObjectListReader::enter(std::string_view heading) {
  static constexpr std::pair<std::string_view, Section> kSections[] = {
      {"[A]", Section::coco},
      {"[B]", Section::ours},
      {"[implied]", Section::implied},
      {"[animals]", Section::animals},
      {"[kin]", Section::kin},
      {"[colours]", Section::colours},
      {"[modifiers]", Section::modifiers},
      {"[nothing]", Section::nothing}};
  for (const auto& [name, section] : kSections) {
    if (name != heading) continue;
    section_ = section;
    return {};
  }
  return wrong(
      "no heading " + std::string(heading) +
      "; there are [A], [B], [implied], [animals], [kin], [colours], [modifiers], [nothing]");
}

Status ObjectListReader::add_object(std::string_view line) {
  const auto names = split(line, ',');
  if (lexicon_.find(names.front()))
    return wrong("object \"" + std::string(names.front()) + "\" is there twice");
  const int id = lexicon_.size();
  lexicon_.objects_.push_back({std::string(names.front()),
                               section_ == Section::coco ? ObjectClass::coco : ObjectClass::ours,
                               false});
  for (const std::string_view name : names)
    if (Status added = add_phrase(lexicon_.named_, name, id); !added) return added;
  return {};
}

Status ObjectListReader::add_implied(std::string_view line) {
  const auto parts = split(line, ':');
  const auto id = lexicon_.find(parts.front());
  if (parts.size() != 2) return wrong("not OBJECT: WORD, WORD …");
  if (!id) return wrong("\"" + std::string(parts.front()) + "\" is not an object of the list");
  for (const std::string_view phrase : split(parts.back(), ','))
    if (Status added = add_phrase(lexicon_.implied_, phrase, *id); !added) return added;
  return {};
}

Status ObjectListReader::add_words(std::string_view line) {
  for (const std::string_view word : split(line, ',')) {
    if (section_ == Section::nothing) {
      if (Status added = add_phrase(lexicon_.named_, word, std::nullopt); !added) return added;
    } else if (section_ == Section::animals) {
      const auto id = lexicon_.find(word);
      if (!id) return wrong("\"" + std::string(word) + "\" is not an object of the list");
      lexicon_.objects_[static_cast<std::size_t>(*id)].animal = true;
    } else {
      mark(word, section_ == Section::kin       ? ObjectLexicon::kKin
                 : section_ == Section::colours ? ObjectLexicon::kColour
                                                : ObjectLexicon::kModifier);
    }
  }
  return {};
}

Status ObjectListReader::add_phrase(ObjectLexicon::Phrases& phrases, std::string_view text,
                                    std::optional<int> object) {
  std::vector<std::int32_t> words;
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '-', ' ');
  for (const std::string_view word : split(plain, ' '))
    if (!word.empty()) words.push_back(number_of(word));
  if (words.empty()) return wrong("a word is missing between two commas");
  auto& same_start = phrases[static_cast<std::size_t>(words.front())];
  const auto found = std::find_if(same_start.begin(), same_start.end(),
                                  [&](const auto& phrase) { return phrase.words == words; });
  if (found == same_start.end()) {
    same_start.push_back({words, object ? ObjectIds{*object} : ObjectIds{}});
    return {};
  }
  const bool names = !found->objects.empty();
  if (names != object.has_value())
    return wrong("\"" + plain + "\" names an object and stands under [nothing]");
  if (!object || found->objects.back() == *object) return wrong("\"" + plain + "\" is there twice");
  found->objects.push_back(*object);
  return {};
}

std::int32_t ObjectListReader::number_of(std::string_view word) {
  std::string lower(word);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto next = static_cast<std::int32_t>(lexicon_.vocabulary_.size());
  const auto [found, is_new] = lexicon_.vocabulary_.emplace(lower, next);
  if (is_new) {
    lexicon_.flags_.push_back(0);
    lexicon_.named_.emplace_back();
    lexicon_.implied_.emplace_back();
  }
  return found->second;
}

void ObjectListReader::mark(std::string_view word, std::uint16_t flag) {
  lexicon_.flags_[static_cast<std::size_t>(number_of(word))] |= flag;
}

void ObjectListReader::mark_grammar() {
  for (const auto word : kNounEnds) mark(word, ObjectLexicon::kNounEnds);
  for (const auto word : kPredicates) mark(word, ObjectLexicon::kPredicate);
  for (const auto word : kJoins) mark(word, ObjectLexicon::kJoins);
  for (const auto word : kNegations) mark(word, ObjectLexicon::kNegates);
  for (const auto word : kPossessives) mark(word, ObjectLexicon::kPossessive);
  for (const auto word : kSmalls) mark(word, ObjectLexicon::kSmall);
}

Expected<ObjectLexicon> ObjectLexicon::read(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf()))
    return fail(Errc::environment, file + ": cannot be read, or is empty");
  return parse(text.str(), file);
}

}  // namespace photoscribe
