// word_list: the words of a captioner that others trained, by their numbers there, and what else
// their files say about it. Private to models/train.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/format/vocabulary.h"

namespace photoscribe {

struct WordList {
  std::vector<std::string> words;                   // by number; empty: an unused number
  std::int64_t start = -1, end = -1, unknown = -1;  // below 0: none
  std::string kind;            // what ruotianluo's infos call the captioner; empty: unknown
  std::int64_t words_max = 0;  // of a caption; 0: unknown
  std::string features;        // the folder of the features that it was trained on
};

/// Reads any of
/// - sgrvinod's WORDMAP_….json: {word: number}, with <start>, <end>, <unk> and <pad>;
/// - ruotianluo's infos_….pkl: under "vocab" {number as text: word}; 0 starts and ends captions;
/// - yunjey's vocab.pkl: an object with word2idx {word: number}.
/// Pickles of Python 2 and 3; nothing in them is called (pickle.h). Fails with invalid_config.
[[nodiscard]] Expected<WordList> read_word_list(const std::string& path);

/// Our words, and their rows in the tables of a list.
struct WordRows {
  Vocabulary vocabulary;
  std::vector<std::int64_t> row;      // of each of our words; below 0: none
  std::vector<std::string> left_out;  // words that a vocabulary cannot hold
};
/// For tables with `rows` rows. Fails with invalid_config if they lack a number, or the list has no
/// start or end.
[[nodiscard]] Expected<WordRows> arrange_words(const WordList& list, std::int64_t rows);

/// Rows of `table` (rows,…) for our words; zeros where there is none.
[[nodiscard]] torch::Tensor take_rows(const torch::Tensor& table, const WordRows& words);

}  // namespace photoscribe
