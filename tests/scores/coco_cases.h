// coco_cases: coco-caption's scores of the shared cases, read for the parity tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "common/scores/ngrams.h"

namespace photoscribe::test {

/// Words as numbers, the same word always the same.
class Numbering {
 public:
  TokenIds operator()(const std::string& text) {
    TokenIds ids;
    std::istringstream in(text);
    for (std::string word; in >> word;) {
      ids.push_back(
          numbers_.try_emplace(word, static_cast<TokenId>(numbers_.size())).first->second);
    }
    return ids;
  }
  std::vector<TokenIds> all(const std::vector<std::string>& texts) {
    std::vector<TokenIds> captions;
    for (const std::string& text : texts) captions.push_back((*this)(text));
    return captions;
  }

 private:
  std::map<std::string, TokenId> numbers_;
};

inline std::vector<TokenSpan> spans(const std::vector<TokenIds>& captions) {
  return {captions.begin(), captions.end()};
}

struct CocoCase {
  TokenIds hypothesis;
  std::vector<TokenIds> references;
  nlohmann::json expected;  // "bleu", "rouge_l", "cider_d"
};

struct CocoCases {
  std::vector<CocoCase> items;
  nlohmann::json corpus;
};

/// None where the shared data is not here.
inline std::optional<CocoCases> read_coco_cases() {
  std::ifstream file(PHOTOSCRIBE_SOURCE_DIR "/../shared/data/metrics/coco_caption_cases.json");
  if (!file) return std::nullopt;
  const auto json = nlohmann::json::parse(file);
  Numbering numbered;
  CocoCases cases;
  for (const auto& item : json.at("items")) {
    cases.items.push_back({numbered(item.at("hypothesis").get<std::string>()),
                           numbered.all(item.at("references").get<std::vector<std::string>>()),
                           item});
  }
  cases.corpus = json.at("corpus");
  return cases;
}

/// Remembers the largest difference that it saw.
struct LargestDifference {
  double value = 0;
  void add(double got, double expected) { value = std::max(value, std::abs(got - expected)); }
};

}  // namespace photoscribe::test
