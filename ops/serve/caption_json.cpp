#include "ops/serve/caption_json.h"

#include <nlohmann/json.hpp>

#include "common/text/utf8.h"

namespace photoscribe::serve {

nlohmann::ordered_json alternatives_json(const std::vector<Alternative>& alternatives) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Alternative& one : alternatives) {
    all.push_back(
        {{"caption", replaced(one.text)}, {"log_prob", one.log_prob}, {"tokens", one.tokens}});
  }
  return all;
}

nlohmann::ordered_json evidence_json(const CaptionEvidence& evidence) {
  return {{"word_log_prob_min", evidence.word_log_prob_min},
          {"beam_agreement", evidence.beam_agreement},
          {"mentioned_min", evidence.mentioned_min},
          {"unmentioned_max", evidence.unmentioned_max},
          {"novelty", evidence.novelty}};
}

}  // namespace photoscribe::serve
