#include "models/train/trainer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <random>

#include "models/format/safetensors.h"
#include "models/train/augment.h"
#include "models/train/settings_text.h"

namespace photoscribe {
namespace {

/// The seed for one purpose at one step.
std::uint64_t mix(std::uint64_t seed, std::uint64_t stage, std::uint64_t number) {
  std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                         static_cast<std::uint32_t>(stage), static_cast<std::uint32_t>(number)};
  std::uint32_t two[2];
  sequence.generate(two, two + 2);
  return (static_cast<std::uint64_t>(two[0]) << 32) | two[1];
}

/// std::shuffle's result is not fixed by the standard; this one is.
void shuffle(std::vector<std::int64_t>& items, std::mt19937_64& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random() % i]);
}

TensorMap owned(const TensorMap& tensors, const std::string& prefix) {
  TensorMap copies;
  for (const auto& [name, tensor] : tensors)
    copies.emplace(prefix + name, tensor.detach().clone().contiguous());
  return copies;
}

}  // namespace

Trainer::Trainer(const FitOptions& options, const Vocabulary& vocabulary,
                 const std::vector<CaptionedPhoto>& train, const TensorMap& encoder,
                 const TensorMap& decoder, Guides guides)
    : options_(options),
      vocabulary_(vocabulary),
      train_(train),
      guides_(std::move(guides)),
      encoder_(owned(encoder, "encoder.")),
      decoder_(owned(decoder, "")) {
  if (options.critic_epochs > 0 || options.finetune_critic)
    reward_ = std::make_unique<Reward>(train, vocabulary, options.reward, concept_of_word());
  begin(Stage::decoder);
}

std::vector<std::int64_t> Trainer::concept_of_word() const {
  const auto found = decoder_.find("decoder.concept.of_word");
  if (found == decoder_.end()) return {};
  const auto* first = found->second.data_ptr<std::int64_t>();
  return {first, first + found->second.numel()};
}

void Trainer::begin(Stage stage) {
  stage_ = stage;
  TensorMap moving;
  for (auto& item : encoder_) item.second.set_requires_grad(stage == Stage::whole);
  for (auto& [name, tensor] : decoder_)
    if (is_trained_by_captions(name)) moving.emplace(name, tensor.set_requires_grad(true));
  if (stage == Stage::whole) {
    moving.insert(encoder_.begin(), encoder_.end());
  } else if (!options_.cache_block.empty()) {
    const Encoder all(options_.architecture.encoder, encoder_, "encoder.");
    for (auto& [name, tensor] : all.after(options_.cache_block).parameters("encoder."))
      moving.emplace(name, tensor.set_requires_grad(true));
  }
  average_ = options_.average > 0 ? owned(moving, "") : TensorMap{};
  AdamSettings settings;
  settings.weight_decay = options_.weight_decay;
  settings.clip_norm = options_.clip_norm;
  settings.slow = "encoder.";
  settings.slow_share = stage == Stage::whole ? 1 : options_.encoder_share;
  adam_ = std::make_unique<Adam>(std::move(moving), settings);
}

std::int64_t Trainer::photos_per_step() const {
  return stage_ == Stage::decoder  ? options_.batch_photos
         : stage_ == Stage::critic ? options_.critic_photos
                                   : options_.finetune_photos;
}

std::int64_t Trainer::steps_per_epoch(std::size_t usable) const {
  const std::int64_t size = photos_per_step();
  return (static_cast<std::int64_t>(usable) + size - 1) / size;
}

const EpochOrder& Trainer::order_of(std::int64_t epoch,
                                    const std::vector<std::int64_t>& usable) const {
  if (order_.stage == stage_ && order_.epoch == epoch && order_.photos.size() == usable.size())
    return order_;
  std::mt19937_64 random(mix(options_.seed, stage_number(), static_cast<std::uint64_t>(epoch)));
  order_ = {stage_, epoch, usable, std::vector<std::uint64_t>(usable.size())};
  shuffle(order_.photos, random);
  for (std::uint64_t& draw : order_.draws) draw = random();
  return order_;
}

Batch Trainer::batch_of(std::int64_t step, const std::vector<std::int64_t>& usable) const {
  const std::int64_t size = photos_per_step();
  const std::int64_t steps = steps_per_epoch(usable.size());
  const auto& [of_stage, epoch, order, draws] = order_of(step / steps, usable);
  const auto first = static_cast<std::size_t>(step % steps * size);
  const std::size_t last = std::min(order.size(), first + static_cast<std::size_t>(size));
  std::vector<std::int64_t> photos, view;
  std::vector<bool> mirror;
  for (std::size_t i = first; i < last; ++i) {
    photos.push_back(order[i]);
    if (stage_ == Stage::whole) {
      mirror.push_back(options_.mirror && draws[i] % 2 == 1);
      continue;
    }
    view.push_back(
        static_cast<std::int64_t>(draws[i] % static_cast<std::uint64_t>(options_.views)));
    mirror.push_back(cached_view(order[i], view.back(), options_.mirror).mirrored);
  }
  // Dropout, too, depends on nothing but the step: a restart needs no generator state.
  at::manual_seed(mix(options_.seed, stage_number() + 16, static_cast<std::uint64_t>(step)));
  Batch batch = make_batch(train_, std::move(photos), std::move(mirror), vocabulary_,
                           static_cast<std::size_t>(options_.search.tokens_max));
  batch.view = std::move(view);
  batch.step = step;
  return batch;
}

std::uint64_t Trainer::stage_number() const {
  return stage_ == Stage::decoder ? 1 : stage_ == Stage::whole ? 2 : 3;
}

double Trainer::update(const torch::Tensor& loss, double rate) {
  loss.backward();
  const double norm = adam_->step(rate);
  if (!std::isfinite(norm)) std::fprintf(stderr, "warning: a step without a finite gradient\n");
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : guides_.held)
    decoder_.at(name).narrow(0, 0, tensor.size(0)).copy_(tensor);
  // Early averages would remember the start of a stage for too long.
  const double share =
      std::max(1 - options_.average, 1 / (10.0 + static_cast<double>(adam_->steps())));
  for (auto& [name, tensor] : average_)
    tensor.lerp_(name.starts_with("encoder.") ? encoder_.at(name) : decoder_.at(name), share);
  return norm;
}

DecoderParameters Trainer::decoder_parameters() const {
  return take_decoder(decoder_, options_.architecture, vocabulary_.size());
}

torch::Tensor Trainer::finish(const torch::Tensor& cached) const {
  return finish_encoding(Encoder(options_.architecture.encoder, encoder_, "encoder."),
                         options_.cache_block, cached);
}

PhotoInputs Trainer::photo_inputs(const Batch& batch, const torch::Tensor& features) const {
  return {features, guides_.concepts.defined()
                        ? guides_.concepts.index_select(0, at::tensor(batch.photos))
                        : torch::Tensor()};
}

torch::Tensor Trainer::text_loss(std::int64_t step) {
  std::mt19937_64 random(mix(options_.seed, stage_number() + 32, static_cast<std::uint64_t>(step)));
  const TextBatches::Batch text = guides_.text->draw(options_.text_rows, random);
  return caption_loss(decoder_parameters(), {{}, text.concepts}, text.rows, options_.loss).total;
}

double Trainer::step_decoder(const Batch& batch, const torch::Tensor& cached, double rate) {
  std::optional<SoftTargets> soft;
  if (guides_.teacher != nullptr) soft = guides_.teacher->of(batch);
  const Loss loss = caption_loss(decoder_parameters(), photo_inputs(batch, finish(cached)), batch,
                                 options_.loss, soft ? &*soft : nullptr);
  torch::Tensor total = loss.total;
  if (guides_.text != nullptr) total = total + options_.text_share * text_loss(batch.step);
  update(total, rate);
  return loss.per_token.item<double>();
}

torch::Tensor Trainer::critic(const Batch& batch, const torch::Tensor& features, double& reward) {
  const std::int64_t count = options_.critic_samples;
  const auto photos = static_cast<std::int64_t>(batch.photos.size());
  const CaptionSearch search(decoder_parameters());
  const PhotoInputs inputs = photo_inputs(batch, features);
  const auto drawn =
      search.sample(features.detach(), count, options_.search.tokens_max, inputs.concepts);
  const std::int64_t left = vocabulary_.number("left"), right = vocabulary_.number("right");
  std::vector<std::vector<std::int64_t>> rows;
  std::vector<std::int64_t> photo_of;
  std::vector<float> rewards;
  for (std::size_t r = 0; r < drawn.size(); ++r) {
    std::vector<std::int64_t>& row = rows.emplace_back(drawn[r].tokens);
    if (row.size() < static_cast<std::size_t>(options_.search.tokens_max)) row.push_back(kEndToken);
    photo_of.push_back(static_cast<std::int64_t>(r) / count);
    const auto photo = static_cast<std::size_t>(photo_of.back());
    // A photo that was shown flipped has the unflipped one's references.
    std::vector<std::int64_t> scored = row;
    for (std::int64_t& word : scored)
      if (batch.mirror[photo] && (word == left || word == right)) word = left + right - word;
    rewards.push_back(static_cast<float>(reward_->score(batch.photos[photo], scored)));
  }
  const torch::Tensor reward_table = at::tensor(rewards).view({photos, count});
  reward = reward_table.mean().item<double>();
  const torch::Tensor baseline = (reward_table.sum(1, /*keepdim=*/true) - reward_table) /
                                 std::max<double>(1, static_cast<double>(count - 1));
  const Batch packed = pack_rows(rows, photo_of, batch.photos, batch.mirror);
  LossSettings settings = options_.loss;
  settings.dropout = options_.critic_dropout;
  return critic_loss(
      decoder_parameters(), inputs, packed,
      (reward_table - baseline).view({-1}).index_select(0, at::tensor(packed.row_of)), settings);
}

double Trainer::step_critic(const Batch& batch, const torch::Tensor& cached, double rate) {
  double reward = 0;
  update(critic(batch, finish(cached), reward), rate);
  return reward;
}

double Trainer::step_whole(const Batch& batch, const torch::Tensor& images, double rate) {
  const torch::Tensor features = Encoder(options_.architecture.encoder, encoder_, "encoder.")
                                     .forward(images.contiguous(at::MemoryFormat::ChannelsLast))
                                     .flatten(2)
                                     .transpose(1, 2)
                                     .contiguous();
  if (reward_ != nullptr) {
    double reward = 0;
    update(critic(batch, features, reward), rate);
    return reward;
  }
  const Loss loss =
      caption_loss(decoder_parameters(), photo_inputs(batch, features), batch, options_.loss);
  update(loss.total, rate);
  return loss.per_token.item<double>();
}

TensorMap Trainer::weights() const {
  TensorMap all = owned(average_, "");
  all.merge(owned(encoder_, ""));  // those without an average
  all.merge(owned(decoder_, ""));
  return all;
}

CaptionSearch Trainer::search() const {
  return CaptionSearch(take_decoder(weights(), options_.architecture, vocabulary_.size()),
                       Precision::float32, EndingRule(vocabulary_));
}

Encoder Trainer::encoder() const {
  return Encoder(options_.architecture.encoder, weights(), "encoder.");
}

void Trainer::set_weights(const TensorMap& weights) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : encoder_) tensor.copy_(take(weights, name, tensor.sizes()));
  for (auto& [name, tensor] : decoder_) tensor.copy_(take(weights, name, tensor.sizes()));
  for (auto& [name, tensor] : average_) tensor.copy_(take(weights, name, tensor.sizes()));
}

Status Trainer::save(const std::string& path, const Progress& progress,
                     const std::string& settings) const {
  TensorMap all = owned(encoder_, "");
  all.merge(owned(decoder_, ""));
  for (const auto& [name, tensor] : average_) all.emplace("average." + name, tensor);
  all.merge(adam_->state());
  Metadata metadata = to_metadata(progress);
  metadata.emplace("settings", settings);
  return save_tensors(path, all, metadata);
}

Expected<std::optional<Progress>> Trainer::restore(const std::string& path,
                                                   const std::string& settings) {
  if (!std::filesystem::exists(path)) return std::optional<Progress>{};
  Metadata metadata;
  {
    const auto file = SafetensorsFile::open(path);
    if (!file) return fail(file.error());
    metadata = file->metadata();
  }
  if (metadata["settings"] != settings) {
    return fail(Errc::invalid_config, path + ": belongs to a run with other settings (" +
                                          difference(metadata["settings"], settings) +
                                          "); use another --work, or delete it to start again");
  }
  const auto tensors = load_tensors(path);
  if (!tensors) return fail(tensors.error());
  return guard(Errc::model_failure, path, [&] {
    const Progress progress = progress_of(metadata);
    begin(progress.stage);
    set_weights(*tensors);
    for (auto& [name, tensor] : average_)
      tensor.copy_(take(*tensors, "average." + name, tensor.sizes()));
    adam_->restore(*tensors);
    return std::optional<Progress>(progress);
  });
}

}  // namespace photoscribe
