#include "models/train/loss/text_batches.h"

#include <ATen/ATen.h>

#include <set>

namespace photoscribe {
namespace {

constexpr std::size_t kEnoughHits = 8;  // before a concept's own probabilities are sampled

template <class T>
const T& one_of(const std::vector<T>& items, std::mt19937_64& random) {
  return items[random() % items.size()];
}

}  // namespace

TextBatches::TextBatches(const std::vector<Tokens>& sentences, const Vocabulary& vocabulary,
                         const torch::Tensor& of_word, const torch::Tensor& detected,
                         const ConceptTargets& targets, std::int64_t slots, std::size_t words_max)
    : sentences_(sentences),
      vocabulary_(vocabulary),
      of_word_(of_word.data_ptr<std::int64_t>(),
               of_word.data_ptr<std::int64_t>() + of_word.numel()),
      concepts_(detected.size(1)),
      slots_(slots),
      words_max_(words_max),
      hits_(static_cast<std::size_t>(concepts_)) {
  const auto [likeliest, which] = at::topk(detected, slots, 1);
  const auto probability = detected.accessor<float, 2>();
  const auto target = targets.probability.accessor<float, 2>(),
             weight = targets.weight.accessor<float, 2>();
  const auto top = which.accessor<std::int64_t, 2>();
  for (std::int64_t i = 0; i < detected.size(0); ++i) {
    for (std::int64_t m = 0; m < concepts_; ++m) {
      if (target[i][m] < 1) continue;
      hits_[static_cast<std::size_t>(m)].push_back(probability[i][m]);
      all_hits_.push_back(probability[i][m]);
    }
    for (std::int64_t k = 0; k < slots; ++k) {
      const std::int64_t m = top[i][k];
      if (target[i][m] < 0.1F && weight[i][m] >= 1) alarms_.emplace_back(m, probability[i][m]);
    }
  }
  if (all_hits_.empty()) all_hits_.push_back(0.5F);
  if (alarms_.empty()) alarms_.emplace_back(0, 0.0F);
}

TextBatches::Batch TextBatches::draw(std::int64_t count, std::mt19937_64& random) const {
  std::vector<std::vector<std::int64_t>> rows;
  std::vector<std::int64_t> photo_of;
  torch::Tensor concepts = at::zeros({count, concepts_});
  auto probability = concepts.accessor<float, 2>();
  for (std::int64_t i = 0; i < count; ++i) {
    rows.push_back(encode_caption(one_of(sentences_, random), vocabulary_, words_max_, false));
    photo_of.push_back(i);
    std::set<std::int64_t> own;
    for (const std::int64_t word : rows.back())
      if (const std::int64_t m = of_word_[static_cast<std::size_t>(word)]; m >= 0) own.insert(m);
    for (const std::int64_t m : own) {
      const auto& hits = hits_[static_cast<std::size_t>(m)];
      probability[i][m] = one_of(hits.size() >= kEnoughHits ? hits : all_hits_, random);
    }
    for (std::int64_t k = 0; k < slots_; ++k) {
      const auto& [m, p] = one_of(alarms_, random);
      // Sentences name only some of what there is: some alarms are not false.
      if (!own.contains(m) && random() % 4 != 0) probability[i][m] = std::max(probability[i][m], p);
    }
  }
  return {pack_rows(rows, photo_of, {}, {}), concepts};
}

}  // namespace photoscribe
