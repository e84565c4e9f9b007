#include "common/scores/signature.h"

namespace photoscribe {

std::string signature_text(const ScoreSignature& s) {
  std::string references = std::to_string(s.references_min);
  if (s.references_max != s.references_min) references += "-" + std::to_string(s.references_max);
  const std::string table = s.frequency_photos
                                ? "table(" + std::to_string(*s.frequency_photos) + ")"
                                : std::string("self");
  std::string text = "photoscribe:" + s.version + "|photos:" + std::to_string(s.photos) +
                     "|refs:" + references + "|tok:" + std::string(name_of(s.tokenizer)) +
                     "|len:closest|bleu:" + std::string(name_of(s.rule));
  if (!s.bleu_only) text += "|rouge:l,beta1.2|cider:d,sigma6,df:" + table;
  if (!s.chair_objects.empty()) text += "|chair:" + s.chair_objects;
  if (!s.split.empty()) text += "|split:" + s.split;
  if (s.dropped_blurred) text += "|blurred-dropped:" + std::to_string(*s.dropped_blurred);
  if (s.dropped_unsure > 0) text += "|unsure-dropped:" + std::to_string(s.dropped_unsure);
  if (s.resamples > 0) {
    text += "|bootstrap:" + std::to_string(s.resamples) + ",seed:" + std::to_string(s.seed);
  }
  return text;
}

}  // namespace photoscribe
