#include "models/search/wishes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

namespace photoscribe {

WishRule::WishRule(const ConceptParameters* concepts) {
  if (concepts == nullptr) return;
  said_min_ = concepts->said_min;
  const torch::Tensor of_word = concepts->of_word.cpu();
  const auto* from = of_word.data_ptr<std::int64_t>();
  of_word_.assign(from, from + of_word.numel());
  words_.resize(static_cast<std::size_t>(concepts->head_bias.numel()));
  for (std::size_t word = 0; word < of_word_.size(); ++word)
    if (of_word_[word] >= 0)
      words_.at(static_cast<std::size_t>(of_word_[word]))
          .push_back(static_cast<std::int64_t>(word));
}

std::vector<std::int64_t> WishRule::wishes(const std::vector<float>& probabilities) const {
  std::vector<std::int64_t> wanted;
  if (said_min_ <= 0) return wanted;
  for (std::size_t m = 0; m < probabilities.size() && m < words_.size(); ++m)
    if (static_cast<double>(probabilities[m]) >= said_min_ && !words_[m].empty())
      wanted.push_back(static_cast<std::int64_t>(m));
  std::stable_sort(wanted.begin(), wanted.end(), [&](std::int64_t a, std::int64_t b) {
    return probabilities[static_cast<std::size_t>(a)] > probabilities[static_cast<std::size_t>(b)];
  });
  wanted.resize(std::min(wanted.size(), kWishesMax));
  return wanted;
}

int WishRule::named(const std::vector<std::int64_t>& words,
                    const std::vector<std::int64_t>& wishes) const {
  const auto names = [&](std::int64_t wish) {
    return std::any_of(words.begin(), words.end(), [&](std::int64_t word) {
      return of_word_.at(static_cast<std::size_t>(word)) == wish;
    });
  };
  return static_cast<int>(std::count_if(wishes.begin(), wishes.end(), names));
}

std::vector<WishGroup> WishRule::unmet(const std::vector<Hypothesis>& captions,
                                       std::size_t states_max) const {
  struct Open {
    std::vector<std::int64_t> photos;
    std::vector<std::vector<std::int64_t>> wishes;
  };
  std::vector<WishGroup> groups;
  std::array<Open, kWishesMax + 1> open;  // by the number of wishes
  const auto close = [&](Open& group) {
    if (!group.photos.empty()) groups.push_back({group.photos, tensors(group.wishes)});
    group = {};
  };
  for (std::size_t i = 0; i < captions.size(); ++i) {
    const auto wanted = wishes(captions[i].concepts);
    if (named(captions[i].tokens, wanted) == static_cast<int>(wanted.size())) continue;
    Open& group = open.at(wanted.size());
    group.photos.push_back(static_cast<std::int64_t>(i));
    group.wishes.push_back(wanted);
    if ((group.photos.size() + 1) << wanted.size() > states_max) close(group);
  }
  for (Open& group : open) close(group);
  return groups;
}

std::vector<int> WishRule::named(const std::vector<Hypothesis>& captions) const {
  std::vector<int> all;
  for (const Hypothesis& one : captions) all.push_back(named(one.tokens, wishes(one.concepts)));
  return all;
}

WishTensors WishRule::tensors(const std::vector<std::vector<std::int64_t>>& wishes) const {
  std::size_t most = 0;  // words of a wish
  for (const auto& photo : wishes)
    for (const std::int64_t wish : photo)
      most = std::max(most, words_[static_cast<std::size_t>(wish)].size());
  const auto photos = static_cast<std::int64_t>(wishes.size()),
             count = static_cast<std::int64_t>(wishes.front().size()),
             K = count * static_cast<std::int64_t>(most);
  WishTensors all{static_cast<int>(count), at::empty({photos, K}, torch::kInt64),
                  at::zeros({photos, K}, torch::kBool)};
  auto* word = all.words.data_ptr<std::int64_t>();
  auto* real = all.real.data_ptr<bool>();
  for (const auto& photo : wishes) {
    for (const std::int64_t wish : photo) {
      const auto& words = words_[static_cast<std::size_t>(wish)];
      // Places without a word hold the first again, so that what is done to it is done twice.
      std::fill(std::copy(words.begin(), words.end(), word),
                word + static_cast<std::ptrdiff_t>(most), words.front());
      std::fill(real, real + words.size(), true);
      word += most;
      real += most;
    }
  }
  return all;
}

}  // namespace photoscribe
