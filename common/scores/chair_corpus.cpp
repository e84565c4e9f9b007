#include "common/scores/chair_corpus.h"

#include <cassert>

#include "common/scores/parallel.h"
#include "common/scores/resample.h"

namespace photoscribe {

CorpusChair::CorpusChair(const ObjectLexicon& lexicon, const TokenTable& words,
                         const CaptionSet& hypotheses, const CaptionSet& references)
    : lexicon_(lexicon), hypotheses_(hypotheses), references_(references) {
  by_token_.reserve(words.size());
  for (TokenId id = 0; id < words.size(); ++id)
    by_token_.push_back(lexicon.words_of(words.word(id)));
}

LexiconWords CorpusChair::words_of(TokenSpan tokens) const {
  LexiconWords words;
  for (const TokenId id : tokens)
    words.insert(words.end(), by_token_[id].begin(), by_token_[id].end());
  return words;
}

ChairObjects CorpusChair::of(ScoredPair pair) const {
  std::vector<TokenSpan> captions;
  hypotheses_.captions_of(pair.hypothesis, captions);
  const LexiconWords caption = words_of(captions.front());
  references_.captions_of(pair.reference, captions);
  std::vector<LexiconWords> references;
  for (const TokenSpan reference : captions) references.push_back(words_of(reference));
  return chair(lexicon_, caption, references);
}

std::vector<ChairCounts> CorpusChair::counts(std::span<const ScoredPair> pairs, int threads) const {
  std::vector<ChairCounts> counts(pairs.size());
  parallel_blocks(pairs.size(), 4096, threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) counts[i] = counts_of(of(pairs[i]));
  });
  return counts;
}

ChairCounts sum_of(std::span<const ChairCounts> photos) noexcept {
  ChairCounts sum;
  for (const ChairCounts& photo : photos) sum += photo;
  return sum;
}

ChairIntervals chair_intervals(std::span<const ChairCounts> photos,
                               const BootstrapSettings& settings) {
  assert(!photos.empty() && settings.resamples > 0);
  const auto resamples = static_cast<std::size_t>(settings.resamples);
  std::vector<double> s(resamples), i(resamples), recall(resamples);
  for_each_resample(photos.size(), settings, [&](std::size_t which, const Draw& weights) {
    ChairCounts sum;
    for (std::size_t photo = 0; photo < photos.size(); ++photo)
      sum += photos[photo] * weights[photo];
    const ChairScore score = chair_score(sum);
    s[which] = score.chair_s;
    i[which] = score.chair_i;
    recall[which] = score.recall;
  });
  return {middle_95(std::move(s)), middle_95(std::move(i)), middle_95(std::move(recall))};
}

}  // namespace photoscribe
