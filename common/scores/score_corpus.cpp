#include "common/scores/score_corpus.h"

#include <algorithm>
#include <cassert>

#include "common/scores/parallel.h"
#include "common/scores/rouge.h"

namespace photoscribe {

DocumentFrequencies frequencies_of(const CaptionSet& references, std::span<const ScoredPair> pairs,
                                   int threads) {
  DocumentFrequencies frequencies;
  const auto references_of = [&](std::size_t photo, std::vector<TokenSpan>& captions) {
    references.captions_of(pairs[photo].reference, captions);
  };
  frequencies.add_photos(pairs.size(), references_of, threads);
  return frequencies;
}

namespace {

/// Calls `score(hypothesis, references)` for every pair.
template <class Score>
std::vector<PhotoScore> for_each_pair(const CaptionSet& hypotheses, const CaptionSet& references,
                                      std::span<const ScoredPair> pairs, int threads, Score score) {
  std::vector<PhotoScore> scores(pairs.size());
  parallel_blocks(pairs.size(), 4096, threads, [&](std::size_t begin, std::size_t end) {
    std::vector<TokenSpan> own, others;
    for (std::size_t i = begin; i < end; ++i) {
      hypotheses.captions_of(pairs[i].hypothesis, own);
      references.captions_of(pairs[i].reference, others);
      scores[i] = score(own.front(), others);
    }
  });
  return scores;
}

}  // namespace

std::vector<PhotoScore> score_photos_by_bleu(const CaptionSet& hypotheses,
                                             const CaptionSet& references,
                                             std::span<const ScoredPair> pairs, BleuRule rule,
                                             int threads) {
  return for_each_pair(hypotheses, references, pairs, threads,
                       [rule](TokenSpan own, std::span<const TokenSpan> others) {
                         return PhotoScore{counts_for(rule, count_bleu(own, others)), 0, 0};
                       });
}

std::vector<PhotoScore> score_photos(const CaptionSet& hypotheses, const CaptionSet& references,
                                     std::span<const ScoredPair> pairs,
                                     const DocumentFrequencies& frequencies, BleuRule rule,
                                     int threads) {
  return for_each_pair(hypotheses, references, pairs, threads,
                       [&](TokenSpan own, std::span<const TokenSpan> others) {
                         return PhotoScore{counts_for(rule, count_bleu(own, others)),
                                           rouge_l(own, others), cider_d(own, others, frequencies)};
                       });
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
