// coco_cases: captions with the scores that coco-caption's definition gives them, read for the
// parity tests.
//
// The cases lie in tests/data/captions (made, see tests/data/README.md); a slow test reads
// coco-caption's own from the shared data in the same form.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
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
  nlohmann::json text;  // "id", "hypothesis", "references", and what is expected: "bleu",
                        // "rouge_l", "cider_d"
};

struct CocoCases {
  std::vector<CocoCase> items;
  nlohmann::json corpus;  // "bleu", "rouge_l", "cider_d" of all
};

inline std::filesystem::path made_captions() {
  return PHOTOSCRIBE_SOURCE_DIR "/tests/data/captions";
}

/// Fails the test, and has no items, where `file` is not there.
inline CocoCases read_coco_cases(const std::filesystem::path& file = made_captions() /
                                                                     "cases.json") {
  std::ifstream in(file);
  EXPECT_TRUE(in) << file;
  if (!in) return {};
  const auto json = nlohmann::json::parse(in);
  Numbering numbered;
  CocoCases cases;
  for (const auto& item : json.at("items")) {
    cases.items.push_back({numbered(item.at("hypothesis").get<std::string>()),
                           numbered.all(item.at("references").get<std::vector<std::string>>()),
                           item});
  }
  cases.corpus = json.at("corpus");
  EXPECT_FALSE(cases.items.empty()) << file;
  return cases;
}

/// The largest difference that was added, and where.
struct LargestDifference {
  double value = 0;
  std::string where = "nowhere";
  void add(double got, double expected, const std::string& at) {
    const double difference = std::abs(got - expected);
    if (!(difference <= value)) {  // a NaN counts
      value = difference;
      where = at;
    }
  }
  void add(double got, double expected, const nlohmann::json& item) {
    add(got, expected, item.value("id", "the corpus"));
  }
};

inline std::ostream& operator<<(std::ostream& out, const LargestDifference& largest) {
  return out << "largest difference " << largest.value << " (" << largest.where << ")";
}

}  // namespace photoscribe::test
