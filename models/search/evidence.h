// evidence: what a search and the classifier of concepts say for and against a caption, as it
// travels with the caption (CaptionEvidence, Concept). Private to models/.
#pragma once

#include <cstdint>
#include <vector>

#include "common/core/types.h"
#include "models/format/concepts.h"
#include "models/search/search.h"

namespace photoscribe {

/// Concepts less likely than this are not told.
inline constexpr float kConceptToldMin = 0.05F;

/// Pure: judges captions by one model's concepts.
class EvidenceRule {
 public:
  /// No concepts: there is no evidence.
  EvidenceRule(const std::vector<ConceptEntry>& concepts, const Vocabulary& vocabulary);

  /// Adds to `caption` what `said` knows, of which it is the text. Nothing without concepts.
  void add(const Hypothesis& said, Caption& caption) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::int64_t> of_word_;  // of each word of the vocabulary; -1: none
};

}  // namespace photoscribe
