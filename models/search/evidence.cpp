#include "models/search/evidence.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

namespace photoscribe {

EvidenceRule::EvidenceRule(const std::vector<ConceptEntry>& concepts,
                           const Vocabulary& vocabulary) {
  if (concepts.empty()) return;
  const torch::Tensor of_word = concept_numbers(concepts, vocabulary).of_word;
  of_word_.assign(of_word.data_ptr<std::int64_t>(),
                  of_word.data_ptr<std::int64_t>() + of_word.numel());
  for (const ConceptEntry& entry : concepts) names_.push_back(entry.words.front());
}

void EvidenceRule::add(const Hypothesis& hypothesis, Caption& caption) const {
  if (hypothesis.concepts.size() != names_.size() || names_.empty()) return;
  std::set<std::int64_t> mentioned;
  for (const std::int64_t word : hypothesis.tokens)
    if (const std::int64_t one = of_word_.at(static_cast<std::size_t>(word)); one >= 0)
      mentioned.insert(one);

  CaptionEvidence& evidence = caption.evidence.emplace();
  evidence.word_log_prob_min = hypothesis.word_log_prob_min;
  evidence.beam_agreement = hypothesis.beam_agreement;
  evidence.novelty = hypothesis.novelty;
  std::vector<std::size_t> reported;
  for (std::size_t m = 0; m < names_.size(); ++m) {
    const float p = hypothesis.concepts[m];
    if (mentioned.contains(static_cast<std::int64_t>(m))) {
      evidence.mentioned_min = std::min<double>(evidence.mentioned_min, p);
    } else {
      evidence.unmentioned_max = std::max<double>(evidence.unmentioned_max, p);
    }
    if (p >= kConceptReportedMin) reported.push_back(m);
  }
  std::sort(reported.begin(), reported.end(), [&hypothesis](std::size_t a, std::size_t b) {
    return hypothesis.concepts[a] > hypothesis.concepts[b];
  });
  reported.resize(std::min(reported.size(), kConceptsMax));
  caption.concepts.clear();
  for (const std::size_t m : reported)
    caption.concepts.push_back({names_[m], hypothesis.concepts[m]});
}

}  // namespace photoscribe
