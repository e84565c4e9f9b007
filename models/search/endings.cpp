#include "models/search/endings.h"

#include <ATen/ATen.h>

#include <array>
#include <string_view>

namespace photoscribe {
namespace {

using torch::Tensor;

/// Of a log-probability: ends of this kind come last, but a caption of nothing else still ends.
constexpr double kOpenEndCost = 8;

enum Kind : std::int64_t { other = 0, link = 1, article = 2, adjective = 3, conjunction = 4 };

// Not "on", "by", "behind", "her" and "another": people end captions so ("a man looks on").
constexpr std::array<std::string_view, 30> kLinks{
    "of",      "in",     "at",      "with",    "to",  "into",  "onto", "from", "for",  "near",
    "over",    "under",  "while",   "wearing", "is",  "are",   "was",  "were", "be",   "being",
    "between", "beside", "against", "that",    "who", "which", "as",   "than", "next", "very"};
constexpr std::array<std::string_view, 6> kArticles{"a", "an", "the", "his", "its", "their"};
constexpr std::array<std::string_view, 30> kAdjectives{
    "black",  "white", "red",      "blue",    "green",  "yellow",  "brown",  "pink",
    "purple", "grey",  "gray",     "large",   "big",    "small",   "little", "tiny",
    "huge",   "young", "old",      "tall",    "wooden", "striped", "long",   "short",
    "bright", "dirty", "colorful", "colored", "plaid",  "grassy"};
constexpr std::array<std::string_view, 2> kConjunctions{"and", "or"};

}  // namespace

EndingRule::EndingRule(const Vocabulary& vocabulary, const torch::Device& device)
    : kinds_(at::zeros({vocabulary.size()}, torch::kInt64)) {
  const auto mark = [&](const auto& words, Kind kind) {
    for (const std::string_view word : words) {
      const std::int64_t number = vocabulary.number(word);
      if (number != kUnknownToken) kinds_[number] = static_cast<std::int64_t>(kind);
    }
  };
  mark(kLinks, link);
  mark(kArticles, article);
  mark(kAdjectives, adjective);
  mark(kConjunctions, conjunction);
  kinds_ = kinds_.to(device);
}

Tensor EndingRule::open(const Tensor& history) const {
  const std::int64_t t = history.size(1);
  const Tensor kind = kinds_.index_select(0, history.flatten()).view({history.size(0), t});
  const Tensor last = kind.select(1, t - 1);
  // The word in front of the adjectives and conjunctions at the end; the first if all are those.
  const Tensor place = at::arange(t, history.options()).expand_as(kind);
  const Tensor before = std::get<0>(place.masked_fill(kind.ge(adjective), 0).max(1, true));
  const Tensor unfinished = last.eq(link) | last.eq(article) | last.eq(conjunction);
  return unfinished | (last.eq(adjective) & kind.gather(1, before).squeeze(1).eq(article));
}

void EndingRule::penalise(Tensor& log_p, const Tensor& history) const {
  if (!kinds_.defined()) return;
  Tensor end = log_p.select(1, kEndToken);
  end.sub_(open(history).to(log_p.scalar_type()), kOpenEndCost);
}

}  // namespace photoscribe
