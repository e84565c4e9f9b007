// hypothesis: one photo's best caption, as a search (search.h) returns it. Private to models/.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/core/types.h"

namespace photoscribe {

/// A finished caption other than the best.
struct FinishedCaption {
  std::vector<std::int64_t> tokens;  // words only
  double log_prob = 0, score = 0;    // score: log_prob / length_norm()
};

/// One photo's best caption.
struct Hypothesis {
  std::vector<std::int64_t> tokens;  // words only
  double log_prob = 0;               // natural log, summed over the words and the end token
  double word_log_prob_min = 0;      // of the least likely word; 0 without words
  /// Share of the words that the beams still open at the end contain too; 1 if there is none.
  double beam_agreement = 1;
  std::vector<float> concepts;  // the classifier's probabilities (M); empty: there is none
  /// At most SearchSettings::alternatives, best score first, none with the best caption's words.
  std::vector<FinishedCaption> alternatives;
  double novelty = 0;                      // Annotations::novelty; 0 if unknown
  std::optional<AttentionMaps> attention;  // if SearchSettings asks for it and there is any
};

/// The divisor of a caption's log-probability: tokens^alpha, the end counting as one.
[[nodiscard]] inline double length_norm(std::int64_t tokens, double alpha) {
  return std::pow(static_cast<double>(tokens), alpha);
}

}  // namespace photoscribe
