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

void EvidenceRule::add(const Hypothesis& said, Caption& caption) const {
  if (said.concepts.size() != names_.size() || names_.empty()) return;
  std::set<std::int64_t> mentioned;
  for (const std::int64_t word : said.tokens)
    if (const std::int64_t one = of_word_.at(static_cast<std::size_t>(word)); one >= 0)
      mentioned.insert(one);

  CaptionEvidence& evidence = caption.evidence.emplace();
  evidence.word_log_prob_min = said.word_log_prob_min;
  evidence.beam_agreement = said.beam_agreement;
  evidence.novelty = said.novelty;
  std::vector<std::size_t> seen;
  for (std::size_t m = 0; m < names_.size(); ++m) {
    const float p = said.concepts[m];
    if (mentioned.contains(static_cast<std::int64_t>(m))) {
      evidence.mentioned_min = std::min<double>(evidence.mentioned_min, p);
    } else {
      evidence.unmentioned_max = std::max<double>(evidence.unmentioned_max, p);
    }
    if (p >= kConceptToldMin) seen.push_back(m);
  }
  std::sort(seen.begin(), seen.end(),
            [&said](std::size_t a, std::size_t b) { return said.concepts[a] > said.concepts[b]; });
  seen.resize(std::min(seen.size(), kConceptsMax));
  caption.concepts.clear();
  for (const std::size_t m : seen) caption.concepts.push_back({names_[m], said.concepts[m]});
}

}  // namespace photoscribe
