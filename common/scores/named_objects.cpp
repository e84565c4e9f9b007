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

double kept_probability(const Concept& one) noexcept {
  return std::round(static_cast<double>(one.probability) * 1e4) / 1e4;
}

std::vector<NamedObject> named_objects(std::string_view caption,
                                       std::span<const Concept> concepts) {
  const ObjectLexicon& lexicon = ObjectLexicon::built_in();
  const ObjectIds named = lexicon.objects_in(caption);
  std::vector<double> all_wrong(named.size(), 1);
  for (const Concept& one : concepts) {
    const ObjectIds& of_word = objects_of(one.word);
    for (std::size_t i = 0; i < named.size(); ++i)
      if (std::binary_search(of_word.begin(), of_word.end(), named[i]))
        all_wrong[i] *= 1 - kept_probability(one);
  }
  std::vector<NamedObject> objects;
  for (std::size_t i = 0; i < named.size(); ++i)
    objects.push_back({lexicon.name(named[i]), 1 - all_wrong[i]});
  return objects;
}

void keep_probable(std::vector<Concept>& concepts, double min_probability,
                   std::string_view caption) {
  const auto least = static_cast<float>(min_probability);
  const auto is_improbable = [least](const Concept& one) { return one.probability < least; };
  if (std::none_of(concepts.begin(), concepts.end(), is_improbable)) return;
  const ObjectIds named = ObjectLexicon::built_in().objects_in(caption);
  std::erase_if(concepts, [&](const Concept& one) {
    if (!is_improbable(one)) return false;
    const ObjectIds& of_word = objects_of(one.word);
    return std::none_of(named.begin(), named.end(), [&of_word](int object) {
      return std::binary_search(of_word.begin(), of_word.end(), object);
    });
  });
}

}  // namespace photoscribe
