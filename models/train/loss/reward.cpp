#include "models/train/loss/reward.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

namespace photoscribe {
namespace {

std::vector<std::vector<TokenIds>> number_references(const std::vector<CaptionedPhoto>& split,
                                                     const Vocabulary& vocabulary) {
  std::unordered_map<std::string, TokenId> rare;  // words after the vocabulary's
  std::vector<std::vector<TokenIds>> references;
  for (const CaptionedPhoto& photo : split) {
    std::vector<TokenIds>& captions = references.emplace_back();
    for (const Tokens& caption : photo.captions) {
      TokenIds& ids = captions.emplace_back();
      for (const std::string& word : caption) {
        const std::int64_t number = vocabulary.number(word);
        ids.push_back(static_cast<TokenId>(number));
        if (number == kUnknownToken) {
          const auto next =
              static_cast<TokenId>(vocabulary.size()) + static_cast<TokenId>(rare.size());
          ids.back() = rare.emplace(word, next).first->second;
        }
      }
      ids.push_back(static_cast<TokenId>(kEndToken));
    }
  }
  return references;
}

double mean_bleu(const BleuCounts& counts) {
  const auto length = static_cast<double>(counts.candidate_tokens),
             wanted = static_cast<double>(counts.reference_tokens);
  const double brevity = length >= wanted ? 1 : std::exp(1 - wanted / length);
  double logs = 0, sum = 0;
  for (std::size_t n = 0; n < 4; ++n) {
    const double more = n == 0 ? 0 : 1;
    const double matched = static_cast<double>(counts.matched[n]) + more,
                 total = static_cast<double>(counts.total[n]) + more;
    if (matched == 0) return 0;
    logs += std::log(matched / total);
    sum += brevity * std::exp(logs / static_cast<double>(n + 1));
  }
  return sum / 4;
}

}  // namespace

Reward::Reward(const std::vector<CaptionedPhoto>& split, const Vocabulary& vocabulary,
               const RewardSettings& settings, std::vector<std::int64_t> of_word)
    : settings_(settings),
      of_word_(std::move(of_word)),
      references_(number_references(split, vocabulary)),
      cider_(references_) {
  if (of_word_.empty()) return;
  for (const std::vector<TokenIds>& photo : references_) {
    std::map<std::int64_t, std::int64_t>& most = named_.emplace_back();
    std::map<std::int64_t, std::int64_t> references;  // that name each
    for (const TokenIds& reference : photo) {
      std::map<std::int64_t, std::int64_t> counts;
      for (const TokenId word : reference)
        if (static_cast<std::size_t>(word) < of_word_.size())
          ++counts[of_word_[static_cast<std::size_t>(word)]];
      for (const auto& [one, count] : counts) {
        most[one] = std::max(most[one], count);
        ++references[one];
      }
    }
    std::set<std::int64_t>& main = main_.emplace_back();
    for (const auto& [one, count] : references)
      if (one >= 0 && count >= kSeveral) main.insert(one);
  }
}

std::int64_t Reward::false_concepts(std::size_t photo,
                                    const std::vector<std::int64_t>& caption) const {
  std::map<std::int64_t, std::int64_t> left = named_.at(photo);
  std::int64_t wrong = 0;
  for (const std::int64_t word : caption) {
    const std::int64_t one = of_word_.at(static_cast<std::size_t>(word));
    if (one >= 0 && left[one]-- <= 0) ++wrong;
  }
  return wrong;
}

std::int64_t Reward::main_concepts(std::size_t photo,
                                   const std::vector<std::int64_t>& caption) const {
  std::set<std::int64_t> named;
  for (const std::int64_t word : caption) named.insert(of_word_.at(static_cast<std::size_t>(word)));
  return std::count_if(main_.at(photo).begin(), main_.at(photo).end(),
                       [&](std::int64_t one) { return named.contains(one); });
}

double Reward::score(std::int64_t photo, const std::vector<std::int64_t>& caption) const {
  const auto at = static_cast<std::size_t>(photo);
  TokenIds ids;
  for (const std::int64_t word : caption) ids.push_back(static_cast<TokenId>(word));
  double reward = settings_.cider == 0 ? 0 : settings_.cider * cider_.score(at, ids);
  if (settings_.bleu != 0 && !ids.empty()) {
    const std::vector<TokenSpan> references(references_.at(at).begin(), references_.at(at).end());
    reward += settings_.bleu * mean_bleu(count_bleu(ids, references));
  }
  if (settings_.false_concept != 0 && !of_word_.empty())
    reward -= settings_.false_concept * static_cast<double>(false_concepts(at, caption));
  if (settings_.main_concept != 0 && !of_word_.empty())
    reward += settings_.main_concept * static_cast<double>(main_concepts(at, caption));
  return reward;
}

}  // namespace photoscribe
