// score_input: two files of captions, read and paired photo by photo, for `photoscribe score`.
//
// Photos without a partner are an error unless allowed: a score over fewer photos than intended is
// the usual way to fool oneself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/scores/caption_file.h"
#include "common/scores/caption_set.h"
#include "common/scores/score_corpus.h"

namespace photoscribe::cli {

struct ScoreRequest {
  std::string hypotheses_file, references_file;
  std::string split;  // empty: all photos
  Tokenizer tokenizer = Tokenizer::ptb;
  bool allow_missing = false;  // photos that only one of the files has are left out
  bool strict = false;         // refuse a file with a malformed line
  int threads = 1;             // to read and tokenise; the result is the same for any number
};

struct ScoreInput {
  explicit ScoreInput(Tokenizer tokenizer)
      : hypotheses(words, tokenizer), references(words, tokenizer) {}
  ScoreInput(const ScoreInput&) = delete;
  ScoreInput& operator=(const ScoreInput&) = delete;

  TokenTable words;
  CaptionSet hypotheses, references;
  std::vector<ScoredPair> pairs;                                // in the order of the hypotheses
  std::int64_t without_references = 0, without_hypothesis = 0;  // left out, when that is allowed
  std::int64_t not_captioned = 0;              // listed by the hypotheses without a caption
  std::int64_t outside_split = 0;              // hypotheses of photos that are not of the split
  LeftOut wrong_hypotheses, wrong_references;  // lines that are not captions
  std::int64_t reference_captions = 0;
  std::int64_t references_min = 0, references_max = 0;  // per scored photo
};

/// Reads, checks and pairs. Either file may name a photo by COCO's number or by its file name.
/// Fails with `usage` when photos do not pair, saying which and what to do, and as
/// read_caption_file() does.
[[nodiscard]] Expected<std::unique_ptr<ScoreInput>> read_score_input(const ScoreRequest& request);

}  // namespace photoscribe::cli
