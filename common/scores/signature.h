// signature: what a figure was computed from and how, in one line, so that two figures can be seen
// to compare or not.
//
// After sacreBLEU's (Post 2018). Everything that changes a score is in it; file names are not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/scores/bleu_rules.h"
#include "common/scores/tokenize.h"

namespace photoscribe {

struct ScoreSignature {
  std::string version;  // of photoscribe
  std::int64_t photos = 0;
  std::int64_t references_min = 0, references_max = 0;  // a photo
  Tokenizer tokenizer = Tokenizer::ptb;
  BleuRule rule = BleuRule::coco;
  std::optional<std::int64_t> frequency_photos;  // of a table from elsewhere; none: of these photos
  std::string split;                             // its name or the list's; empty: none
  std::optional<std::int64_t> dropped_blurred;   // photos left out since they are blurred
  std::int64_t dropped_unsure = 0;               // photos left out since their caption is
  int resamples = 0;                             // 0: no intervals
  std::uint64_t seed = 0;
  bool bleu_only = false;     // no ROUGE-L, no CIDEr-D
  std::string chair_objects;  // the list's hash; empty: no CHAIR
};

/// `photoscribe:0.2.0|photos:1000|refs:5|tok:ptb|len:closest|bleu:coco|rouge:l,beta1.2|
/// cider:d,sigma6,df:self|chair:6df3c13f9bf2|split:test|blurred-dropped:12|unsure-dropped:3|
/// bootstrap:1000,seed:12345`,
/// the last four where they apply.
[[nodiscard]] std::string signature_text(const ScoreSignature& signature);

}  // namespace photoscribe
