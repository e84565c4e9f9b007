// concept_list: the things that a classifier beside the decoder looks for in a photo, and the words
// for them. Private to models/.
//
// A model's concepts.txt has one per line: its name, more words for it, and, after a bar, the
// ImageNet classes (0 to 999, ILSVRC 2012's usual order) that make it up:
//
//     pizza, pizzas | 963
//     dog, dogs, puppy, puppies | 151-268
//     giraffe, giraffes
//
// `#` begins a comment. The classes matter to whoever makes labels with an ImageNet classifier
// (photoscribe-train fit --concept-labels); captioning needs the words alone.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/format/vocabulary.h"

namespace photoscribe {

struct ConceptEntry {
  std::vector<std::string> words;  // the name first; lower case, one token each
  std::vector<int> classes;        // ascending; none: not in ImageNet
};

/// Reads `path`. Fails with invalid_config, naming file and line: an empty word, a word listed
/// twice, a class that is not a number from 0 to 999, no concept at all.
[[nodiscard]] Expected<std::vector<ConceptEntry>> read_concepts(const std::string& path);
[[nodiscard]] Status write_concepts(const std::string& path,
                                    const std::vector<ConceptEntry>& concepts);

/// Leaves out concepts of which the vocabulary has no word, and words that it does not have; the
/// name is the first word left.
[[nodiscard]] std::vector<ConceptEntry> known_concepts(const std::vector<ConceptEntry>& concepts,
                                                       const Vocabulary& vocabulary);

}  // namespace photoscribe
