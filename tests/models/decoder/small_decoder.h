// small_decoder: a decoder of each kind whose sizes all differ, for tests.
#pragma once

#include <string>

#include "common/core/model_folder.h"

namespace photoscribe {

inline ModelArchitecture small_decoder(const std::string& name) {
  ModelArchitecture a;
  a.decoder = name;
  a.feature_channels = 12;
  // Some attend to the features themselves.
  a.annotation_size = name == "gated_attend_tell" || name == "plain_attend_tell" ? 12 : 9;
  a.embedding_size = 11;
  a.hidden_size = 7;
  a.attention_size = 5;
  return a;
}

}  // namespace photoscribe
