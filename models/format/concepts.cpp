#include "models/format/concepts.h"

#include <ATen/ATen.h>

namespace photoscribe {

ConceptNumbers concept_numbers(const std::vector<ConceptEntry>& concepts,
                               const Vocabulary& vocabulary) {
  std::vector<std::int64_t> name, of_word(static_cast<std::size_t>(vocabulary.size()), -1);
  for (std::size_t m = 0; m < concepts.size(); ++m) {
    name.push_back(vocabulary.number(concepts[m].words.front()));
    for (const std::string& word : concepts[m].words)
      of_word.at(static_cast<std::size_t>(vocabulary.number(word))) = static_cast<std::int64_t>(m);
  }
  return {at::tensor(name), at::tensor(of_word)};
}

void add_concept_numbers(TensorMap& tensors, const std::vector<ConceptEntry>& concepts,
                         const Vocabulary& vocabulary) {
  const ConceptNumbers numbers = concept_numbers(concepts, vocabulary);
  tensors["decoder.concept.name"] = numbers.name;
  tensors["decoder.concept.of_word"] = numbers.of_word;
}

}  // namespace photoscribe
