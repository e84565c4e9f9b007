#include "models/train/loss.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace photoscribe {

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
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rows[a].size() > rows[b].size(); });

  std::vector<std::int64_t> lengths, sorted_photo, inputs, targets;
  for (const std::size_t row : order) {
    lengths.push_back(static_cast<std::int64_t>(rows[row].size()));
    sorted_photo.push_back(photo_of[row]);
  }
  Batch batch;
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

Loss caption_loss(const DecoderParameters& p, const torch::Tensor& features, const Batch& batch,
                  const LossSettings& settings) {
  const auto drop = [](const torch::Tensor& x, double share) {
    return share > 0 ? at::dropout(x, share, true) : x;
  };
  const Annotations photo = annotate(p, features, settings.annotation_dropout);
  Annotations row;
  row.values = photo.values.index_select(0, batch.photo_of_row);
  row.keys = photo.keys.index_select(0, batch.photo_of_row);
  row.h = photo.h.index_select(0, batch.photo_of_row);
  row.c = photo.c.index_select(0, batch.photo_of_row);

  const torch::Tensor words = drop(at::embedding(p.embedding, batch.inputs), settings.dropout);
  const SequenceOutput seq =
      run_sequence(p, row, at::linear(words, p.cell_input, p.cell_bias), batch.packing);
  const torch::Tensor out = at::tanh(at::linear(seq.hidden, p.output_hidden, p.output_bias) +
                                     at::linear(seq.context, p.output_context) + words);
  const torch::Tensor logits =
      at::linear(drop(out, settings.dropout), p.word_weight, p.word_bias);  // (S,V)
  Loss loss;
  loss.per_token = at::cross_entropy_loss(logits, batch.targets, {}, at::Reduction::Mean,
                                          kUnknownToken, settings.label_smoothing);
  loss.total = loss.per_token;
  if (settings.attention_penalty > 0) {
    const torch::Tensor looked = sum_steps(seq.alpha, batch.packing);  // (N,L)
    loss.total = loss.total + settings.attention_penalty * (1 - looked).square().mean();
  }
  return loss;
}

}  // namespace photoscribe
