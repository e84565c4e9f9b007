// fit: trains a model on captioned photos. Private to models/train.
//
// Three stages. The first trains the decoder on cached features of the untouched encoder with cross
// entropy; the second, which is optional, continues with self-critical training; the third trains
// encoder and decoder together, on the photos themselves. With features cached in the middle of the
// encoder, its second half is trained in the first two as well. After a kill all resume from the
// last checkpoint: batches and random numbers depend only on the seed and the step, so the weights
// come out as if nothing had happened.
#pragma once

#include <cstdint>
#include <string>

#include "common/core/error.h"
#include "common/core/model_folder.h"
#include "models/train/data/dataset.h"
#include "models/train/data/splits.h"
#include "models/train/loss/loss.h"
#include "models/train/loss/reward.h"

namespace photoscribe {

/// The dev score that decides which weights are the best, and when training ends.
enum class SelectBy : std::uint8_t { bleu4, cider };
[[nodiscard]] const char* to_string(SelectBy score) noexcept;

struct FitOptions {
  CaptionSources sources;
  SplitChoice splits;
  std::string encoder;  // safetensors of the trunk (import.h)
  std::string start;    // weights of a whole model (WORK/best.safetensors, or a model's folder) to
                        // continue from, instead of the encoder's and random ones; empty: none
  std::string text;     // sentences without photos, one per line; empty: none
  std::string concepts, concept_labels,
      concept_photos;          // concepts.h, concept_head.h, and a list of
                               // more photos with labels; empty: none
  std::string output;          // model folder to write
  std::string work;            // checkpoint and curve; kept afterwards
  std::string features;        // folder of the cached features; empty: `work`
  std::string cache_block;     // of the encoder, whose features are cached; what follows it is
                               // trained in every stage. Empty: the encoder's end
  double encoder_share = 0.1;  // of the rate: for what follows cache_block, until the last stage
  std::int64_t views = 2;      // cached of each photo: as it is, flipped, then random crops
  std::string teacher;         // what photoscribe-train teach wrote, to learn from in the first
                               // stage too; empty: none
  std::string name = "photoscribe";
  std::string command;  // as it was typed, for the record and to resume with

  ModelArchitecture architecture;  // no encoder: what the encoder's file says, else mobilenet_v2;
                                   // feature_channels are the encoder's
  LossSettings loss;
  SearchSettings search;
  VocabularySettings words;
  std::int64_t text_rows = 60;  // sentences per step of the first stage, with --text
  double text_share = 0.5;      // weight of their loss relative to the photos'
  bool bfloat16 = false;        // mixed.h
  std::int64_t epochs = 10;
  std::int64_t batch_photos = 20;   // with all their captions
  double rate = 8e-4;               // peak, reached after the warm-up, then along a cosine
  double rate_end = 0.01;           // share of `rate` at the last step
  std::int64_t warmup_steps = 200;  // at most a tenth of all
  double weight_decay = 0.01;
  double clip_norm = 5;
  std::int64_t patience = 3;  // epochs without a better score
  SelectBy select_by = SelectBy::bleu4;
  bool mirror = true;  // half of the photos are shown flipped
  std::uint64_t seed = 1;
  std::int64_t checkpoint_steps = 200;
  std::int64_t steps_max = 0;  // stops there, checkpoint written; 0: no limit

  double average = 0;  // decay of the weights' moving average per step; 0: no average

  std::int64_t critic_epochs = 0;  // of self-critical training after the epochs of cross entropy
  double critic_rate = 5e-5;
  std::int64_t critic_photos = 30;  // per step
  std::int64_t critic_samples = 5;  // captions drawn for each
  double critic_dropout = 0;
  std::int64_t critic_score_steps = 100;  // how often the dev split is scored
  RewardSettings reward;

  std::int64_t finetune_steps = 0;
  double finetune_rate = 2e-5;
  std::int64_t finetune_photos = 16;      // per step
  bool finetune_critic = false;           // self-critical also without critic_epochs
  std::int64_t finetune_score_steps = 0;  // how often the dev split is scored; 0: at the end only
};

/// Trains and writes the model folder. Reports on standard error. Fails with cancelled when it was
/// asked to stop (stop.h): the message says how to resume.
[[nodiscard]] Status fit(const FitOptions& options);

}  // namespace photoscribe
