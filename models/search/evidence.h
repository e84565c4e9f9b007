// evidence: what a search and the classifier of concepts say for and against a caption, as it is
// stored with the caption (CaptionEvidence, Concept). Private to models/.
#pragma once

#include <cstdint>
#include <vector>

#include "common/core/types.h"
#include "models/format/concepts.h"
#include "models/search/search.h"

namespace photoscribe {

/// Concepts less likely than this are not reported.
inline constexpr float kConceptReportedMin = 0.05F;

/// Pure: judges captions by one model's concepts.
class EvidenceRule {
 public:
  /// No concepts: there is no evidence.
  EvidenceRule(const std::vector<ConceptEntry>& concepts, const Vocabulary& vocabulary);

  /// Adds the evidence of `hypothesis` to `caption`, its text. Does nothing without concepts.
  void add(const Hypothesis& hypothesis, Caption& caption) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::int64_t> of_word_;  // of each word of the vocabulary; -1: none
};

}  // namespace photoscribe
