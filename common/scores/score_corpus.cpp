#include "common/scores/score_corpus.h"

#include <algorithm>
#include <cassert>

#include "common/scores/parallel.h"
#include "common/scores/rouge.h"

namespace photoscribe {

DocumentFrequencies frequencies_of(const CaptionSet& references,
                                   std::span<const ScoredPair> pairs) {
  DocumentFrequencies frequencies;
  std::vector<TokenSpan> captions;
  for (const ScoredPair& pair : pairs) {
    references.captions_of(pair.reference, captions);
    frequencies.add_photo(captions);
  }
  return frequencies;
}

std::vector<PhotoScore> score_photos(const CaptionSet& hypotheses, const CaptionSet& references,
                                     std::span<const ScoredPair> pairs,
                                     const DocumentFrequencies& frequencies, BleuRule rule,
                                     int threads) {
  std::vector<PhotoScore> scores(pairs.size());
  parallel_blocks(pairs.size(), 4096, threads, [&](std::size_t begin, std::size_t end) {
    std::vector<TokenSpan> own, others;
    for (std::size_t i = begin; i < end; ++i) {
      hypotheses.captions_of(pairs[i].hypothesis, own);
      references.captions_of(pairs[i].reference, others);
      scores[i] = {counts_for(rule, count_bleu(own.front(), others)), rouge_l(own.front(), others),
                   cider_d(own.front(), others, frequencies)};
    }
  });
  return scores;
}

CorpusScore score_of(std::span<const PhotoScore> photos, BleuRule rule) {
  CorpusScore corpus;
  if (photos.empty()) return corpus;
  BleuCounts sum;
  for (const PhotoScore& photo : photos) {
    sum += photo.counts;
    corpus.rouge_l += photo.rouge_l;
    corpus.cider_d += photo.cider_d;
  }
  corpus.bleu = bleu_by(rule, sum);
  corpus.rouge_l /= static_cast<double>(photos.size());
  corpus.cider_d /= static_cast<double>(photos.size());
  return corpus;
}

}  // namespace photoscribe
