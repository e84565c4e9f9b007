#include "models/train/loss/loss.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "models/train/loss/mixed.h"
#include "models/train/loss/plain_sequence.h"

namespace photoscribe {

namespace {

torch::Tensor drop(const torch::Tensor& x, double share) {
  return share > 0 ? at::dropout(x, share, true) : x;
}

struct Scores {
  torch::Tensor logits;          // (S,V)
  torch::Tensor attention_sums;  // (N,L) of the grid, over a caption's words; may be undefined
};

/// What one decoder makes of words (S,E): the input of the word layer (S,U), before its tanh where
/// there is one, and its attention.
struct DecoderOutput {
  torch::Tensor out, alpha;
};

DecoderOutput decode_words(const AttendTellParameters& p, const Annotations& a,
                           const torch::Tensor& words, const Packing& packing) {
  const SequenceOutput seq =
      run_sequence(p, a, mixed_linear(words, p.cell_input, p.cell_bias), packing);
  return {mixed_linear(seq.hidden, p.output_hidden, p.output_bias) +
              mixed_linear(seq.context, p.output_context) + words,
          seq.alpha};
}

DecoderOutput decode_words(const TopDownParameters& p, const Annotations& a,
                           const torch::Tensor& words, const Packing& packing) {
  const SequenceOutput seq =
      run_sequence(p, a, mixed_linear(words, p.first_input, p.first_bias), packing);
  return {mixed_linear(seq.hidden, p.output_hidden, p.output_bias), seq.alpha};
}

DecoderOutput decode_words(const AttendOnAttendParameters& p, const Annotations& a,
                           const torch::Tensor& words, const Packing& packing) {
  const SequenceOutput seq =
      run_sequence(p, a, mixed_linear(words, p.cell_input, p.cell_bias), packing);
  return {mixed_linear(seq.hidden, p.output_hidden, p.output_bias), seq.alpha};
}

DecoderOutput decode_words(const ShowTellParameters& p, const Annotations& a,
                           const torch::Tensor& words, const Packing& packing) {
  const SequenceOutput seq =
      run_sequence(p, a, mixed_linear(words, p.cell_input, p.cell_bias), packing);
  return {mixed_linear(seq.hidden, p.output_hidden, p.output_bias), {}};
}

/// Of a decoder whose words come straight out of its state: step by step, with LibTorch's gradient.
template <class Plain, std::enable_if_t<!std::is_base_of_v<DeepWordParameters, Plain>, int> = 0>
DecoderOutput decode_words(const Plain& p, const Annotations& a, const torch::Tensor& words,
                           const Packing& packing) {
  const SequenceOutput seq = run_plain_sequence(p, a, words, packing);
  return {seq.hidden, seq.alpha};
}

/// The input of the word layer, from what decode_words() gave.
torch::Tensor word_features(const DecoderParameters& p, const torch::Tensor& out) {
  return std::visit(
      [&out]<class P>(const P&) {
        return std::is_base_of_v<DeepWordParameters, P> ? at::tanh(out) : out;
      },
      p);
}

Scores score_words(const DecoderParameters& p, const PhotoInputs& photo_inputs, const Batch& batch,
                   const LossSettings& settings) {
  const Annotations photo =
      annotate(p, photo_inputs.features, settings.annotation_dropout, photo_inputs.concepts);
  const auto of_rows = [&batch](const torch::Tensor& x) {
    return x.defined() ? x.index_select(0, batch.photo_of_row) : x;
  };
  Annotations row;
  row.values = of_rows(photo.values);
  row.keys = of_rows(photo.keys);
  row.fixed = of_rows(photo.fixed);
  row.h = of_rows(photo.h);
  row.c = of_rows(photo.c);
  const WordParameters& own = words_of(p);
  const torch::Tensor words = drop(at::embedding(own.embedding, batch.inputs), settings.dropout);
  const DecoderOutput output = std::visit(
      [&](const auto& decoder) { return decode_words(decoder, row, words, batch.packing); }, p);
  Scores scores;
  const torch::Tensor out = drop(word_features(p, output.out), settings.dropout);
  scores.logits = mixed_linear(out, own.word_weight, own.word_bias);
  if (photo.odds.defined()) {
    const torch::Tensor photo_of_word =
        batch.photo_of_row.index_select(0, row_of_words(batch.packing));
    scores.logits = at::addcmul(scores.logits, concept_gate(*concepts_of(p), out),
                                photo.odds.index_select(0, photo_of_word));
  }
  if (settings.attention_penalty > 0 && output.alpha.defined() && photo_inputs.features.defined())
    scores.attention_sums =  // the grid alone
        sum_steps(output.alpha, batch.packing)
            .narrow(1, 0,
                    photo.values.size(1) - (photo.concepts.defined() ? concepts_of(p)->slots : 0));
  return scores;
}

}  // namespace

Batch pack_rows(const std::vector<std::vector<std::int64_t>>& rows,
                const std::vector<std::int64_t>& photo_of, std::vector<std::int64_t> photos,
                std::vector<bool> mirror) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rows[a].size() > rows[b].size(); });

  Batch batch;
  std::vector<std::int64_t> lengths, sorted_photo, inputs, targets;
  for (const std::size_t row : order) {
    lengths.push_back(static_cast<std::int64_t>(rows[row].size()));
    sorted_photo.push_back(photo_of[row]);
    batch.row_of.push_back(static_cast<std::int64_t>(row));
  }
  batch.packing = pack(lengths);
  for (std::size_t t = 0; t < batch.packing.counts.size(); ++t) {
    for (std::size_t r = 0; r < static_cast<std::size_t>(batch.packing.counts[t]); ++r) {
      const auto& words = rows[order[r]];
      inputs.push_back(t == 0 ? kStartToken : words[t - 1]);
      targets.push_back(words[t]);
    }
  }
  batch.photos = std::move(photos);
  batch.mirror = std::move(mirror);
  batch.photo_of_row = at::tensor(sorted_photo);
  batch.inputs = at::tensor(inputs);
  batch.targets = at::tensor(targets);
  return batch;
}

Batch make_batch(const std::vector<CaptionedPhoto>& split, std::vector<std::int64_t> photos,
                 std::vector<bool> mirror, const Vocabulary& vocabulary, std::size_t words_max) {
  std::vector<std::vector<std::int64_t>> rows;
  std::vector<std::int64_t> photo_of;
  for (std::size_t k = 0; k < photos.size(); ++k) {
    for (const Tokens& caption : split.at(static_cast<std::size_t>(photos[k])).captions) {
      rows.push_back(encode_caption(caption, vocabulary, words_max, mirror[k]));
      photo_of.push_back(static_cast<std::int64_t>(k));
    }
  }
  return pack_rows(rows, photo_of, std::move(photos), std::move(mirror));
}

Loss caption_loss(const DecoderParameters& p, const PhotoInputs& photo_inputs, const Batch& batch,
                  const LossSettings& settings, const SoftTargets* teacher) {
  const Scores scores = score_words(p, photo_inputs, batch, settings);
  Loss loss;
  loss.per_token = at::cross_entropy_loss(scores.logits, batch.targets, {}, at::Reduction::Mean,
                                          kUnknownToken, settings.label_smoothing);
  loss.total = loss.per_token;
  if (teacher != nullptr) {
    const torch::Tensor followed =
        -(at::log_softmax(scores.logits, 1).gather(1, teacher->words) * teacher->probabilities)
             .sum(1)
             .mean();
    loss.total = (1 - settings.teacher_share) * loss.total + settings.teacher_share * followed;
  }
  if (scores.attention_sums.defined())
    loss.total =
        loss.total + settings.attention_penalty * (1 - scores.attention_sums).square().mean();
  return loss;
}

torch::Tensor critic_loss(const DecoderParameters& p, const PhotoInputs& photo_inputs,
                          const Batch& batch, const torch::Tensor& advantage,
                          const LossSettings& settings) {
  LossSettings own = settings;
  own.attention_penalty = 0;
  torch::Tensor logits = score_words(p, photo_inputs, batch, own).logits;
  // What the search never predicts has no share of the probability here either.
  torch::Tensor never = at::zeros({logits.size(1)}, logits.options());
  for (const std::int64_t special : {kPadToken, kStartToken, kUnknownToken}) never[special] = -1e9;
  logits = logits + never;
  const torch::Tensor minus_log_p =
      at::cross_entropy_loss(logits, batch.targets, {}, at::Reduction::None);  // (S)
  return (minus_log_p * advantage.index_select(0, row_of_words(batch.packing))).mean();
}

}  // namespace photoscribe
