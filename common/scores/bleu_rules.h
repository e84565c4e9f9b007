// bleu_rules: BLEU as other tools compute it, from the same counts.
//
// Tools differ in what they do when an order has no match and in how short captions count. The
// counts of bleu.h hold all that any of them needs: pass each photo's through counts_for(), sum,
// and give the sum to bleu_by(). What goes into a report should be `coco`; the others are for
// comparing with published figures.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/scores/bleu.h"

namespace photoscribe {

enum class BleuRule : std::uint8_t {
  coco,          // bleu() of bleu.h
  nltk_method0,  // NLTK 3.8 corpus_bleu with SmoothingFunction().method0 …
  nltk_method1,  // epsilon 0.1
  nltk_method2,  // one more of each from bigrams on
  nltk_method3,  // 1/2^k
  nltk_method4,  // 1/2^k scaled by the length, k 5
  sacrebleu,     // sacreBLEU 2, smoothing exp; order n is its max_ngram_order
};

/// "coco", "nltk0" … "nltk4", "sacrebleu", as signatures and command lines have it.
[[nodiscard]] std::string_view name_of(BleuRule rule) noexcept;
[[nodiscard]] std::optional<BleuRule> bleu_rule_named(std::string_view name) noexcept;

/// One photo's counts as `rule` adds them up: NLTK takes a caption shorter than n words for one
/// n-gram without a match.
[[nodiscard]] BleuCounts counts_for(BleuRule rule, BleuCounts photo) noexcept;

/// BLEU-1..4 in [0, 1] of summed counts.
///
/// Chen & Cherry, "A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU", WMT
/// 2014, as NLTK has it: its method 4 multiplies by the logarithm of the summed length, and an
/// order that stays at zero is left out of the product. sacreBLEU: Post, WMT 2018; Lin & Och 2004
/// for exp.
[[nodiscard]] std::array<double, 4> bleu_by(BleuRule rule, const BleuCounts& sum) noexcept;

/// The same of one photo. sacreBLEU scores sentences over the orders that they have ("effective
/// order"); NLTK and coco-caption make no difference.
[[nodiscard]] std::array<double, 4> sentence_bleu_by(BleuRule rule,
                                                     const BleuCounts& photo) noexcept;

}  // namespace photoscribe
