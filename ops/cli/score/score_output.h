// score_output: the figures of `photoscribe score`, for people and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/scores/bootstrap.h"
#include "common/scores/chair_corpus.h"
#include "ops/cli/score/score_input.h"
#include "ops/cli/terminal/terminal.h"

namespace photoscribe::cli {

/// CHAIR, if asked for.
struct ChairFigures {
  ChairCounts counts;
  ChairScore score;
  std::optional<ChairIntervals> intervals;
  const CorpusChair* corpus = nullptr;  // for the objects of each photo; outlives the figures
};

struct ScoreFigures {
  std::string signature;
  BleuRule rule = BleuRule::coco;
  bool bleu_only = false;  // the other two were not computed
  CorpusScore corpus;
  std::optional<ScoreIntervals> intervals;
  std::optional<ChairFigures> chair;
  BootstrapSettings bootstrap;  // of the intervals
  std::vector<PhotoScore> photos;
  bool frequencies_of_one = false;  // CIDEr-D's table knows one photo: every score is 0
  double seconds = 0;
  std::vector<std::pair<std::string, double>> stage_seconds;
  std::int64_t peak_memory_bytes = 0;
};

/// For people: scores out of 100, with intervals if computed; then what was left out, and the
/// signature.
[[nodiscard]] std::string figures_text(const ScoreFigures& figures, const ScoreInput& input,
                                       const Ink& ink);

/// Prints one JSON object, with "items" when `per_item`; scores on the 0-1 scale (CIDEr-D: 0-10).
void write_figures_json(const ScoreFigures& figures, const ScoreInput& input, bool per_item);

/// Prints a line per photo: tab-separated, scores out of 100.
void write_items_text(const ScoreFigures& figures, const ScoreInput& input);

}  // namespace photoscribe::cli
