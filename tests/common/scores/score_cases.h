// score_cases: the whole way of score_corpus over cases whose scores are known.
#pragma once

#include "common/scores/score_corpus.h"
#include "tests/common/scores/coco_cases.h"

namespace photoscribe::test {

/// How far score_photos() is from the scores of `cases`, of each and of all.
inline LargestDifference difference_of_score_photos(const CocoCases& cases) {
  TokenTable words;
  CaptionSet hypotheses(words, Tokenizer::none), references(words, Tokenizer::none);
  std::vector<ScoredPair> pairs;
  for (std::uint32_t i = 0; i < cases.items.size(); ++i) {
    const nlohmann::json& item = cases.items[i].text;
    const std::string number = std::to_string(i);  // ids may repeat among the cases
    hypotheses.add(number, item.at("hypothesis").get<std::string>());
    for (const auto& one : item.at("references")) references.add(number, one.get<std::string>());
    pairs.push_back({i, i});
  }
  hypotheses.group();
  references.group();
  const auto photos = score_photos(hypotheses, references, pairs, frequencies_of(references, pairs),
                                   BleuRule::coco, 2);

  LargestDifference largest;
  const auto compare = [&](const CorpusScore& got, const nlohmann::json& expected) {
    for (std::size_t n = 0; n < 4; ++n)
      largest.add(got.bleu[n], expected.at("bleu").at(n), expected);
    largest.add(got.rouge_l, expected.at("rouge_l"), expected);
    largest.add(got.cider_d, expected.at("cider_d"), expected);
  };
  for (std::size_t i = 0; i < photos.size(); ++i)
    compare(score_of({&photos[i], 1}, BleuRule::coco), cases.items[i].text);
  compare(score_of(photos, BleuRule::coco), cases.corpus);
  return largest;
}

}  // namespace photoscribe::test
