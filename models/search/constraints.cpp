#include "models/search/constraints.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

namespace photoscribe {

ConstraintRule::ConstraintRule(const ConceptParameters* concepts) {
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

std::vector<std::int64_t> ConstraintRule::constraints(
    const std::vector<float>& probabilities) const {
  std::vector<std::int64_t> wanted;
  if (said_min_ <= 0) return wanted;
  for (std::size_t m = 0; m < probabilities.size() && m < words_.size(); ++m)
    if (static_cast<double>(probabilities[m]) >= said_min_ && !words_[m].empty())
      wanted.push_back(static_cast<std::int64_t>(m));
  std::stable_sort(wanted.begin(), wanted.end(), [&](std::int64_t a, std::int64_t b) {
    return probabilities[static_cast<std::size_t>(a)] > probabilities[static_cast<std::size_t>(b)];
  });
  wanted.resize(std::min(wanted.size(), kConstraintsMax));
  return wanted;
}

int ConstraintRule::named(const std::vector<std::int64_t>& words,
                          const std::vector<std::int64_t>& constraints) const {
  const auto names = [&](std::int64_t constraint) {
    return std::any_of(words.begin(), words.end(), [&](std::int64_t word) {
      return of_word_.at(static_cast<std::size_t>(word)) == constraint;
    });
  };
  return static_cast<int>(std::count_if(constraints.begin(), constraints.end(), names));
}

std::vector<ConstraintGroup> ConstraintRule::unmet(const std::vector<Hypothesis>& captions,
                                                   std::size_t states_max) const {
  struct Open {
    std::vector<std::int64_t> photos;
    std::vector<std::vector<std::int64_t>> constraints;
  };
  std::vector<ConstraintGroup> groups;
  std::array<Open, kConstraintsMax + 1> open;  // by the number of constraints
  const auto close = [&](Open& group) {
    if (!group.photos.empty()) groups.push_back({group.photos, tensors(group.constraints)});
    group = {};
  };
  for (std::size_t i = 0; i < captions.size(); ++i) {
    const auto wanted = constraints(captions[i].concepts);
    if (named(captions[i].tokens, wanted) == static_cast<int>(wanted.size())) continue;
    Open& group = open.at(wanted.size());
    group.photos.push_back(static_cast<std::int64_t>(i));
    group.constraints.push_back(wanted);
    if ((group.photos.size() + 1) << wanted.size() > states_max) close(group);
  }
  for (Open& group : open) close(group);
  return groups;
}

std::vector<int> ConstraintRule::named(const std::vector<Hypothesis>& captions) const {
  std::vector<int> all;
  for (const Hypothesis& one : captions)
    all.push_back(named(one.tokens, constraints(one.concepts)));
  return all;
}

ConstraintTensors ConstraintRule::tensors(
    const std::vector<std::vector<std::int64_t>>& constraints) const {
  std::size_t most = 0;  // words of a constraint
  for (const auto& photo : constraints)
    for (const std::int64_t constraint : photo)
      most = std::max(most, words_[static_cast<std::size_t>(constraint)].size());
  const auto photos = static_cast<std::int64_t>(constraints.size()),
             count = static_cast<std::int64_t>(constraints.front().size()),
             K = count * static_cast<std::int64_t>(most);
  ConstraintTensors all{static_cast<int>(count), at::empty({photos, K}, torch::kInt64),
                        at::zeros({photos, K}, torch::kBool)};
  auto* word = all.words.data_ptr<std::int64_t>();
  auto* mask = all.mask.data_ptr<bool>();
  for (const auto& photo : constraints) {
    for (const std::int64_t constraint : photo) {
      const auto& words = words_[static_cast<std::size_t>(constraint)];
      // Unused positions repeat the first word, so that what is done to it is only done twice.
      std::fill(std::copy(words.begin(), words.end(), word),
                word + static_cast<std::ptrdiff_t>(most), words.front());
      std::fill(mask, mask + words.size(), true);
      word += most;
      mask += most;
    }
  }
  return all;
}

}  // namespace photoscribe
