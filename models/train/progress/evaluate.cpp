#include "models/train/progress/evaluate.h"

#include <algorithm>

#include "common/scores/cider.h"
#include "common/scores/token_table.h"
#include "common/scores/tokenize.h"
#include "models/train/progress/progress_line.h"
#include "models/train/progress/stop.h"

namespace photoscribe {
namespace {

TokenIds numbered(const Tokens& words, TokenTable& table) {
  TokenIds ids;
  for (const std::string& word : words) ids.push_back(table.id_of(word));
  return ids;
}

/// CIDEr-D of one caption for each of the photos, frequencies over these.
double corpus_cider(const std::vector<CaptionedPhoto>& split,
                    const std::vector<std::int64_t>& which, const std::vector<Tokens>& captions) {
  TokenTable table;
  std::vector<std::vector<TokenIds>> references;
  for (const std::int64_t i : which) {
    auto& photo = references.emplace_back();
    for (const Tokens& caption : split.at(static_cast<std::size_t>(i)).captions)
      photo.push_back(numbered(caption, table));
  }
  const CiderReferences scorer(references);
  double sum = 0;
  for (std::size_t k = 0; k < captions.size(); ++k)
    sum += scorer.score(k, numbered(captions[k], table));
  return captions.empty() ? 0 : sum / static_cast<double>(captions.size());
}

}  // namespace

SplitScore score_split(
    const CaptionSearch& search, const SearchSettings& settings, const Vocabulary& vocabulary,
    const std::vector<CaptionedPhoto>& split, const std::vector<std::int64_t>& which,
    const std::function<torch::Tensor(const std::vector<std::int64_t>&)>& features) {
  constexpr std::size_t kBatch = 32;
  SplitScore score;
  BleuCounts sum;
  std::vector<Tokens> words;
  ProgressLine progress("captions of dev photos", "photos");
  for (std::size_t first = 0; first < which.size(); first += kBatch) {
    if (stop_requested()) return score;
    progress.update(static_cast<std::int64_t>(first), static_cast<std::int64_t>(which.size()));
    const std::size_t last = std::min(which.size(), first + kBatch);
    const std::vector<std::int64_t> some(which.begin() + static_cast<std::ptrdiff_t>(first),
                                         which.begin() + static_cast<std::ptrdiff_t>(last));
    const auto captions = search.run(features(some), settings);
    for (std::size_t i = 0; i < some.size(); ++i) {
      std::string text = vocabulary.text(captions[i].tokens);
      words.push_back(ptb_tokens(text));
      sum += count_bleu(words.back(), split.at(static_cast<std::size_t>(some[i])).captions);
      score.captions.push_back(std::move(text));
    }
  }
  score.bleu = bleu(sum);
  score.cider = corpus_cider(split, which, words);
  score.photos = static_cast<std::int64_t>(which.size());
  return score;
}

}  // namespace photoscribe
