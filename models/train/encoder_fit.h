// encoder_fit: moves the last blocks of a model's encoder until its classifier recognises more
// concepts. Private to models/train.
//
// An encoder that learnt ImageNet's thousand classes sees little of what people name in photos: a
// classifier on its mean features is the limit of what captions can say (experiments.md). Here the
// encoder's tail and that classifier learn together from the words that people use, as in Fang et
// al., "From Captions to Visual Concepts and Back", CVPR 2015, and from the labels of other
// classifiers (Hinton et al. 2015). What neither captions nor labels decide is what the model
// itself said before (Li & Hoiem, "Learning without Forgetting", ECCV 2016), and a penalty keeps
// the features near those that its decoder knows.
//
// The decoder is left as it is: `fit --start FOLDER --no-teacher` trains it on the new features
// afterwards.
#pragma once

#include <cstdint>
#include <string>

#include "common/core/error.h"
#include "models/train/data/splits.h"

namespace photoscribe {

struct EncoderFitOptions {
  CaptionSources sources;
  SplitChoice splits;
  std::string model;           // folder to start from; it has concepts
  std::string concept_labels;  // concept_head.h; empty: none
  std::string output;          // model folder to write
  std::string work;            // checkpoint; kept afterwards
  std::string features;        // folder of the cached features; empty: `work`
  std::string cache_block;     // of the encoder, whose features are cached; what follows it moves
  std::int64_t views = 2;      // cached of each photo
  bool mirror = true;
  bool bfloat16 = false;  // mixed.h
  std::int64_t epochs = 4;
  std::int64_t batch_photos = 64;
  double rate = 1e-3;          // peak, of the classifier
  double encoder_share = 0.2;  // of that rate, for the encoder
  double keep = 0.3;  // weight of the features' distance from what they were, as a share of
                      // their variance
  double weight_decay = 0.03;
  double average = 0.998;  // decay of the weights' moving average per step
  std::uint64_t seed = 1;
  std::int64_t checkpoint_steps = 100;
  std::int64_t score_steps = 0;  // how often the dev split is scored; 0: after each epoch
  std::string command;           // as it was typed, for the record and to resume with
};

/// Trains, keeps the weights with the best mean average precision on the dev split, and writes the
/// model folder. Reports on standard error. Fails with cancelled when it was asked to stop
/// (stop.h): the message says how to resume.
[[nodiscard]] Status fit_encoder(const EncoderFitOptions& options);

}  // namespace photoscribe
