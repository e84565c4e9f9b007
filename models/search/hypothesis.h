// hypothesis: one photo's best caption, as a search (search.h) tells it. Private to models/.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/core/types.h"

namespace photoscribe {

/// A caption that was finished beside the best.
struct FinishedCaption {
  std::vector<std::int64_t> tokens;  // words only
  double log_prob = 0, score = 0;    // score: log_prob / length_norm()
};

/// One photo's best caption.
struct Hypothesis {
  std::vector<std::int64_t> tokens;  // words only
  double log_prob = 0;               // natural log, summed over the words and the end token
  double word_log_prob_min = 0;      // of the least likely word; 0 without words
  /// Share of the words that the beams still open at the end have too; 1 where there is none.
  double beam_agreement = 1;
  std::vector<float> concepts;  // the classifier's probabilities (M); empty: there is none
  /// SearchSettings::alternatives of them at most, best score first, none with the best's words.
  std::vector<FinishedCaption> alternatives;
  double novelty = 0;                      // Annotations::novelty; 0 where it is not known
  std::optional<AttentionMaps> attention;  // where SearchSettings asks for it and there is some
};

/// What a caption's log-probability is divided by: tokens^alpha, the end counting as one.
[[nodiscard]] inline double length_norm(std::int64_t tokens, double alpha) {
  return std::pow(static_cast<double>(tokens), alpha);
}

}  // namespace photoscribe
