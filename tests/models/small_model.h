// small_model: a model of the shipped kind that captions in milliseconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/open_model.h"

namespace photoscribe {

/// 64 px, 300 words, random weights.
inline StoredModel small_model(std::uint64_t seed = 4) {
  ModelArchitecture a;
  a.input_side_px = 64;
  a.annotation_size = a.embedding_size = a.hidden_size = 32;
  a.attention_size = 16;
  std::vector<std::string> words;
  for (int i = 0; i < 300; ++i) words.push_back("word" + std::to_string(i));
  return random_model(a, *Vocabulary::make(words), seed);
}

}  // namespace photoscribe
