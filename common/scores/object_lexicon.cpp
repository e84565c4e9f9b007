#include "common/scores/object_lexicon.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "common/scores/object_list.h"
#include "common/scores/singular.h"
#include "common/scores/tokenize.h"

namespace photoscribe {
namespace {

constexpr std::size_t kNowhere = SIZE_MAX;

void sort_unique(ObjectIds& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

/// Whether a word of a caption is that of a phrase: the same, or its plural.
bool agrees(LexiconWord word, std::int32_t phrase_word) {
  return word.as_is == phrase_word || word.singular == phrase_word;
}

bool begins_with(std::span<const LexiconWord> words, std::span<const std::int32_t> phrase) {
  return words.size() >= phrase.size() &&
         std::equal(phrase.begin(), phrase.end(), words.begin(),
                    [](std::int32_t theirs, LexiconWord ours) { return agrees(ours, theirs); });
}

}  // namespace

const ObjectLexicon& ObjectLexicon::built_in() {
  static const ObjectLexicon lexicon = [] {
    auto read = parse(kBuiltInObjects, "objects.txt");
    if (!read) {  // a bug: the tests read this very text
      std::fprintf(stderr, "%s\n", read.error().message.c_str());
      std::abort();
    }
    return std::move(*read);
  }();
  return lexicon;
}

Expected<ObjectLexicon> ObjectLexicon::parse(std::string_view text, const std::string& name) {
  return ObjectListReader(text, name).read();
}

std::optional<int> ObjectLexicon::find(std::string_view name) const {
  const auto found = std::find_if(objects_.begin(), objects_.end(),
                                  [&](const Object& object) { return object.name == name; });
  if (found == objects_.end()) return std::nullopt;
  return static_cast<int>(found - objects_.begin());
}

LexiconWords ObjectLexicon::words_of(std::string_view token) const {
  std::string lower(token);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto number = [&](const std::string& word) {
    const auto found = vocabulary_.find(word);
    return found == vocabulary_.end() ? -1 : found->second;
  };
  LexiconWords words;
  for (std::size_t begin = 0; begin < lower.size();) {
    const std::size_t end = std::min(lower.find('-', begin), lower.size());
    const std::string part = lower.substr(begin, end - begin);
    if (!part.empty()) words.push_back({number(part), number(singular_of(part))});
    begin = end + 1;
  }
  return words;
}

LexiconWords ObjectLexicon::words_of(std::span<const std::string> tokens) const {
  LexiconWords words;
  for (const std::string& token : tokens) {
    const LexiconWords parts = words_of(std::string_view(token));
    words.insert(words.end(), parts.begin(), parts.end());
  }
  return words;
}

bool ObjectLexicon::has(std::span<const LexiconWord> words, std::size_t at, int flags) const {
  if (at >= words.size()) return false;
  const auto of = [&](std::int32_t word) {
    return word < 0 ? 0 : int{flags_[static_cast<std::size_t>(word)]};
  };
  return ((of(words[at].as_is) | of(words[at].singular)) & flags) != 0;
}

ObjectLexicon::Match ObjectLexicon::longest(std::span<const LexiconWord> words,
                                            std::size_t from) const {
  const auto rest = words.subspan(from);
  Match best;
  std::size_t best_as_is = 0;  // "glasses" are rather "glasses" than more than one "glass"
  const auto offer = [&](std::int32_t first) {
    if (first < 0) return;
    for (const Phrase& phrase : named_[static_cast<std::size_t>(first)]) {
      const std::size_t length = phrase.words.size();
      if (length < best.words || !begins_with(rest, phrase.words)) continue;
      std::size_t as_is = 0;
      for (std::size_t i = 0; i < length; ++i) as_is += rest[i].as_is == phrase.words[i] ? 1 : 0;
      if (length == best.words && as_is <= best_as_is) continue;
      best = {&phrase, length};
      best_as_is = as_is;
    }
  };
  offer(rest.front().as_is);
  if (rest.front().singular != rest.front().as_is) offer(rest.front().singular);
  return best;
}

bool ObjectLexicon::names_animal(const Phrase& phrase) const {
  return std::any_of(phrase.objects.begin(), phrase.objects.end(),
                     [&](int id) { return at(id).animal; });
}

/// "orange cat", "orange and white", "is orange", "glass door": not the thing. "oranges" always
/// are.
bool ObjectLexicon::is_adjective(std::span<const LexiconWord> words, std::size_t at) const {
  if (!has(words, at, kColour | kModifier) || words[at].as_is != words[at].singular) return false;
  const bool noun_follows = at + 1 < words.size() && !has(words, at + 1, kNounEnds);
  if (noun_follows || !has(words, at, kColour)) return noun_follows;
  const bool colour_follows = has(words, at + 1, kJoins) && has(words, at + 2, kColour);
  const bool colour_before =
      at > 0 && (has(words, at - 1, kColour | kPredicate) ||
                 (at > 1 && has(words, at - 1, kJoins) && has(words, at - 2, kColour)));
  return colour_follows || colour_before;
}

/// "without a shirt", "no people".
bool ObjectLexicon::is_denied(std::span<const LexiconWord> words, std::size_t at) const {
  return at > 0 && (has(words, at - 1, kNegates) ||
                    (at > 1 && has(words, at - 1, kSmall) && has(words, at - 2, kNegates)));
}

/// "baby elephant", "mother and baby giraffe", "a mother and her baby elephant".
bool ObjectLexicon::kin_before_animal(std::span<const LexiconWord> words, std::size_t at) const {
  for (std::size_t next = at + 1; next < words.size(); ++next) {
    const Match match = longest(words, next);
    if (match.phrase != nullptr && names_animal(*match.phrase)) return true;
    if (has(words, next, kKin | kColour)) continue;
    if (!has(words, next, kJoins)) return false;
    while (has(words, next + 1, kSmall | kPossessive)) ++next;
    if (!has(words, next + 1, kKin)) return false;  // "a baby and a dog"
  }
  return false;
}

/// "a giraffe and its baby", "an adult zebra with a baby", "an elephant family", "elephants look
/// after their babies". `animal_end`: behind the last animal; `only_animals`: no person before.
bool ObjectLexicon::kin_after_animal(std::span<const LexiconWord> words, std::size_t at,
                                     std::size_t animal_end, bool animal_has_kin,
                                     bool only_animals) const {
  if (animal_end == kNowhere) return false;
  std::size_t before = at;
  while (before > animal_end && has(words, before - 1, kSmall | kKin)) --before;
  if (before > animal_end && only_animals && has(words, before - 1, kPossessive)) return true;
  bool theirs = animal_has_kin || animal_end == at;
  for (std::size_t i = animal_end; i < at; ++i) {
    if (!has(words, i, kJoins | kPossessive | kSmall | kKin)) return false;
    theirs = theirs || has(words, i, kPossessive);
  }
  return theirs;
}

ObjectIds ObjectLexicon::objects_in(std::span<const LexiconWord> words) const {
  ObjectIds ids;
  std::size_t animal_end = kNowhere;  // behind the last animal
  bool animal_has_kin = false;
  const auto names_one_of = [&](const Phrase& phrase) {  // already
    return std::any_of(phrase.objects.begin(), phrase.objects.end(),
                       [&](int id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); });
  };
  for (std::size_t at = 0; at < words.size();) {
    const Match match = longest(words, at);
    if (match.phrase == nullptr) {
      ++at;
      continue;
    }
    const bool single = match.words == 1;
    const bool kin =
        single && has(words, at, kKin) &&
        (kin_before_animal(words, at) ||
         kin_after_animal(words, at, animal_end, animal_has_kin, !names_one_of(*match.phrase)));
    if (!kin && !is_denied(words, at) && !(single && is_adjective(words, at)))
      ids.insert(ids.end(), match.phrase->objects.begin(), match.phrase->objects.end());
    if (names_animal(*match.phrase)) {
      animal_end = at + match.words;
      animal_has_kin = at > 0 && has(words, at - 1, kKin);
    }
    at += match.words;
  }
  sort_unique(ids);
  return ids;
}

ObjectIds ObjectLexicon::objects_in(std::span<const std::string> tokens) const {
  return objects_in(words_of(tokens));
}

ObjectIds ObjectLexicon::objects_in(std::string_view caption) const {
  return objects_in(ptb_tokens(caption));
}

ObjectIds ObjectLexicon::supported_by(std::span<const LexiconWord> words) const {
  ObjectIds ids = objects_in(words);
  for (std::size_t at = 0; at < words.size(); ++at) {
    for (const std::int32_t first : {words[at].as_is, words[at].singular}) {
      if (first < 0) continue;
      for (const Phrase& phrase : implied_[static_cast<std::size_t>(first)])
        if (begins_with(words.subspan(at), phrase.words))
          ids.insert(ids.end(), phrase.objects.begin(), phrase.objects.end());
    }
  }
  sort_unique(ids);
  return ids;
}

ObjectIds ObjectLexicon::supported_by(std::span<const std::string> tokens) const {
  return supported_by(words_of(tokens));
}

}  // namespace photoscribe
