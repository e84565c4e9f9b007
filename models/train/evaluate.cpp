#include "models/train/evaluate.h"

#include <algorithm>

#include "common/scores/tokenize.h"

namespace photoscribe {

SplitScore score_split(
    const CaptionSearch& search, const SearchSettings& settings, const Vocabulary& vocabulary,
    const std::vector<CaptionedPhoto>& split, const std::vector<std::int64_t>& which,
    const std::function<torch::Tensor(const std::vector<std::int64_t>&)>& features) {
  constexpr std::size_t kBatch = 32;
  SplitScore score;
  BleuCounts sum;
  for (std::size_t first = 0; first < which.size(); first += kBatch) {
    const std::size_t last = std::min(which.size(), first + kBatch);
    const std::vector<std::int64_t> some(which.begin() + static_cast<std::ptrdiff_t>(first),
                                         which.begin() + static_cast<std::ptrdiff_t>(last));
    const auto captions = search.run(features(some), settings);
    for (std::size_t i = 0; i < some.size(); ++i) {
      std::string text = vocabulary.text(captions[i].tokens);
      sum += count_bleu(ptb_tokens(text), split.at(static_cast<std::size_t>(some[i])).captions);
      score.captions.push_back(std::move(text));
    }
  }
  score.bleu = bleu(sum);
  score.photos = static_cast<std::int64_t>(which.size());
  return score;
}

}  // namespace photoscribe
