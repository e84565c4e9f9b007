#include "common/scores/named_objects.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "common/scores/object_lexicon.h"

namespace photoscribe {
namespace {

/// What a concept's word names. Models have a few hundred, each of them in every second photo.
const ObjectIds& objects_of(const std::string& word) {
  constexpr std::size_t kWordsMax = 10'000;
  thread_local std::unordered_map<std::string, ObjectIds> known;
  const auto found = known.find(word);
  if (found != known.end()) return found->second;
  if (known.size() >= kWordsMax) known.clear();
  return known.emplace(word, ObjectLexicon::built_in().objects_in(std::string_view(word)))
      .first->second;
}

}  // namespace

std::vector<NamedObject> named_objects(std::string_view caption,
                                       std::span<const Concept> concepts) {
  const ObjectLexicon& lexicon = ObjectLexicon::built_in();
  std::vector<NamedObject> named;
  for (const int object : lexicon.objects_in(caption)) {
    double all_wrong = 1;
    for (const Concept& one : concepts) {
      const ObjectIds& of_word = objects_of(one.word);
      if (!std::binary_search(of_word.begin(), of_word.end(), object)) continue;
      // As the database keeps it, so that a caption is judged the same later.
      all_wrong *= 1 - std::round(static_cast<double>(one.probability) * 1e4) / 1e4;
    }
    named.push_back({lexicon.name(object), 1 - all_wrong});
  }
  return named;
}

}  // namespace photoscribe
