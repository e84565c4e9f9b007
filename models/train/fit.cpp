#include "models/train/fit.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

#include "models/format/safetensors.h"
#include "models/train/data/photo_finder.h"
#include "models/train/finetune.h"
#include "models/train/loss/concept_head.h"
#include "models/train/loss/mixed.h"
#include "models/train/progress/curve_file.h"
#include "models/train/run.h"
#include "models/train/start.h"
#include "models/train/teacher.h"

namespace photoscribe {
namespace {

/// The error of features that were not made; says how to resume when a person stopped that.
tl::unexpected<Error> features_error(const FitOptions& o, Error error) {
  if (error.code == Errc::cancelled)
    error.message += "; the same command resumes there: " + o.command;
  return fail(std::move(error));
}

/// Fills in what follows from the encoder's file.
Expected<FitOptions> complete(FitOptions o) {
  if (o.features.empty()) o.features = o.work;
  if (o.encoder.empty() && o.start.empty())
    return fail(Errc::usage,
                "fit needs initial weights: --start MODEL continues from a model's folder, such as "
                "photoscribe's models/fast; --encoder FILE starts with an encoder that "
                "photoscribe-train import made from a torchvision state dict");
  if (o.encoder.empty() && o.architecture.encoder.empty())
    return fail(Errc::usage, o.start +
                                 ": does not say which encoder it has; start from a model's folder "
                                 "(the run's snapshot is one), or give --architecture");
  if (!o.encoder.empty()) {
    const auto stated = architecture_of_encoder(o.encoder);
    if (!stated) return fail(stated.error());
    if (o.architecture.encoder.empty()) o.architecture.encoder = *stated;
  }
  return guard(Errc::invalid_config, o.encoder, [&] {
    if (o.architecture.input_side_px % 32 != 0)
      throw std::runtime_error("the side must be a multiple of 32 px");
    o.architecture.feature_channels =
        static_cast<int>(feature_channels(encoder_layers(o.architecture.encoder)));
    return o;
  });
}

/// (P,C): the mean features of the photos that decode; zeros for the others.
torch::Tensor mean_features(const FeatureCache& cache, std::int64_t photos) {
  constexpr std::int64_t kSome = 64;
  std::vector<torch::Tensor> means;
  for (std::int64_t first = 0; first < photos; first += kSome) {
    std::vector<std::int64_t> some;
    for (std::int64_t i = first; i < std::min(photos, first + kSome); ++i) some.push_back(i);
    means.push_back(cache.get(some, {}).mean(1));
  }
  return at::cat(means);
}

/// Everything that a model's concepts are learnt from.
struct ConceptSources {
  std::vector<ConceptEntry> concepts;
  ConceptLabels labels;
  std::vector<CaptionedPhoto> further;  // photos with labels only
};

Expected<ConceptSources> read_concept_sources(const FitOptions& o, const Vocabulary& vocabulary) {
  ConceptSources sources;
  if (o.concepts.empty()) return sources;
  auto concepts = read_concepts(o.concepts);
  if (!concepts) return fail(concepts.error());
  sources.concepts = known_concepts(*concepts, vocabulary);
  if (sources.concepts.empty())
    return fail(Errc::invalid_config, o.concepts + ": no caption has a word from it");
  if (!o.concept_labels.empty()) {
    auto labels = read_concept_labels(o.concept_labels);
    if (!labels) return fail(labels.error());
    sources.labels = std::move(*labels);
  }
  if (o.concept_photos.empty()) return sources;
  std::ifstream list(o.concept_photos);
  if (!list) return fail(Errc::invalid_config, o.concept_photos + ": cannot be opened");
  PhotoFinder finder(o.sources.photos);
  for (std::string name; std::getline(list, name);) {
    if (name.empty()) continue;
    const auto path = finder.find({}, name);
    if (!path)
      return fail(Errc::invalid_config,
                  o.concept_photos + ": " + name + " is not in " + folders_text(o.sources.photos));
    sources.further.push_back({name, {}, 1, *path});
  }
  return sources;
}

struct Concepts {
  ConceptTargets targets;  // (P,M) of the train split
  ConceptHead head;
};

/// Fits the classifier, or continues from the start's, or takes what an earlier run with the same
/// photos, labels and features left in the features' folder.
Expected<Concepts> learn_concepts(const FitOptions& o, const ConceptSources& sources,
                                  const std::vector<CaptionedPhoto>& train,
                                  const FeatureCache& train_features, const CachedFeatures& cached,
                                  const Start& start) {
  const auto P = static_cast<std::int64_t>(train.size());
  std::vector<CaptionedPhoto> photos = train;
  torch::Tensor features = mean_features(train_features, P);
  if (!sources.further.empty()) {
    const auto further =
        FeatureCache::open_or_make(o.features + "/features.concepts", paths_of(sources.further),
                                   cached, feature_progress("concepts'"));
    if (!further) return features_error(o, further.error());
    photos.insert(photos.end(), sources.further.begin(), sources.further.end());
    features = at::cat(
        {features, mean_features(*further, static_cast<std::int64_t>(sources.further.size()))});
  }
  Concepts result{concept_targets(photos, sources.labels, sources.concepts), {}};
  if (is_fine_tuning(o)) {
    result.head = keep_concept_head(start.decoder, features, result.targets.probability, o.seed);
    return result;
  }
  const std::string key =
      fmt::format("{} {} {:.9g} {:.9g} {:.9g} {}", features.size(0), sources.concepts.size(),
                  features.sum(torch::kFloat64).item<double>(),
                  result.targets.probability.sum(torch::kFloat64).item<double>(),
                  result.targets.weight.sum(torch::kFloat64).item<double>(), o.seed);
  const std::string path = o.features + "/concepts.safetensors";
  if (const auto file = SafetensorsFile::open(path);
      file && file->metadata().contains("key") && file->metadata().at("key") == key) {
    auto tensors = load_tensors(path);
    if (!tensors) return fail(tensors.error());
    result.head.probabilities = tensors->extract("probabilities").mapped();
    result.head.parameters = std::move(*tensors);
  } else {
    result.head = fit_concept_head(features, result.targets, o.seed);
    TensorMap all = result.head.parameters;
    all.emplace("probabilities", result.head.probabilities);
    if (Status s = save_tensors(path, all, {{"key", key}}); !s) return fail(s.error());
  }
  for (torch::Tensor* one :
       {&result.targets.probability, &result.targets.weight, &result.head.probabilities})
    *one = one->narrow(0, 0, P);
  return result;
}

Status train(const FitOptions& options, const Vocabulary& vocabulary,
             const std::vector<CaptionedPhoto>& train, const std::vector<CaptionedPhoto>& dev,
             const std::vector<Tokens>& text, const ConceptSources& concepts, const Start& start) {
  const Encoder encoder(options.architecture.encoder, start.encoder);
  const auto paths = paths_of(train);
  CachedFeatures cached{
      options.cache_block.empty() ? encoder : encoder.until(options.cache_block),
      options.architecture, options.views, options.mirror,
      options.bfloat16 && has_bfloat16() ? Precision::bfloat16 : Precision::float32};
  const auto size = [](const auto& photos) { return static_cast<std::int64_t>(photos.size()); };
  if (Status s = report_space(options.features, cached,
                              {{"/features.train", size(train), options.views},
                               {"/features.dev", size(dev), 1},
                               {"/features.concepts", size(concepts.further), options.views}});
      !s)
    return s;
  const auto train_features = FeatureCache::open_or_make(options.features + "/features.train",
                                                         paths, cached, feature_progress("train"));
  if (!train_features) return features_error(options, train_features.error());
  cached.views = 1;
  const auto dev_features = FeatureCache::open_or_make(
      options.features + "/features.dev", paths_of(dev), cached, feature_progress("dev"));
  if (!dev_features) return features_error(options, dev_features.error());
  at::manual_seed(options.seed);
  TensorMap decoder = complete_decoder(start, options.architecture, vocabulary);
  Guides guides;
  std::optional<TextBatches> text_batches;
  if (!concepts.concepts.empty()) {
    const auto learnt = learn_concepts(options, concepts, train, *train_features, cached, start);
    if (!learnt) return fail(learnt.error());
    for (const auto& [name, tensor] : learnt->head.parameters) decoder[name] = tensor;
    add_concept_numbers(decoder, concepts.concepts, vocabulary);
    guides.concepts = learnt->head.probabilities;
    if (!text.empty())
      text_batches.emplace(text, vocabulary, decoder.at("decoder.concept.of_word"), guides.concepts,
                           learnt->targets, options.architecture.concept_slots,
                           static_cast<std::size_t>(options.search.tokens_max));
    if (text_batches) guides.text = &*text_batches;
  }
  std::optional<Teacher> teacher;
  std::string teacher_file = options.teacher;
  if (teacher_file.empty() && is_fine_tuning(options) && options.loss.teacher_share > 0) {
    teacher_file = options.work + "/teacher.safetensors";
    if (Status s = teach_by_start(options, train, vocabulary, teacher_file); !s) return s;
  }
  if (!teacher_file.empty()) {
    auto opened = Teacher::open(teacher_file, train, vocabulary,
                                static_cast<std::size_t>(options.search.tokens_max));
    if (!opened) return fail(opened.error());
    teacher = std::move(*opened);
    guides.teacher = &*teacher;
  }
  if (is_fine_tuning(options)) hold_parameters(guides, start.decoder);
  Trainer trainer(options, vocabulary, train, encoder.parameters(), decoder, guides);
  return Run(options,
             {vocabulary, train, dev, *train_features, *dev_features, paths, concepts.concepts,
              start.encoder},
             trainer)
      .go();
}

}  // namespace

const char* to_string(SelectBy score) noexcept {
  return score == SelectBy::bleu4 ? "bleu4" : "cider";
}

Status fit(const FitOptions& wanted) {
  auto completed = complete(wanted);
  if (!completed) return fail(completed.error());
  FitOptions& options = *completed;
  use_bfloat16(options.bfloat16);
  for (const std::string& folder : {options.work, options.features}) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) return fail(Errc::environment, folder + ": " + failed.message());
  }
  const auto splits = read_splits(options.sources, options.splits);
  if (!splits) return fail(splits.error());
  if (!splits->held_out.empty()) std::fprintf(stderr, "%s\n", splits->held_out.c_str());
  for (const auto& [name, photos] :
       {std::pair{"/train.txt", &splits->train}, std::pair{"/dev.txt", &splits->dev}})
    if (Status s = write_list(options.work + name, *photos); !s) return s;
  if (Status s = write_references(options.work, splits->dev); !s) return s;
  std::vector<Tokens> text;
  if (!options.text.empty()) {
    if (options.concepts.empty())
      return fail(Errc::invalid_config,
                  "--text needs --concepts: they connect sentences to photos");
    auto read = read_text(options.text);
    if (!read) return fail(read.error());
    text = std::move(*read);
  }
  const auto start = read_start(options);
  if (!start) return fail(start.error());
  options.architecture.grid_side = start->grid_side;
  const bool tuning = is_fine_tuning(options);
  const auto vocabulary = tuning ? extend_vocabulary(start->words, splits->train, options.words)
                                 : make_vocabulary(splits->train, text, options.words);
  if (!vocabulary) return fail(vocabulary.error());
  auto concepts = read_concept_sources(options, *vocabulary);
  if (!concepts) return fail(concepts.error());
  if (tuning) concepts->concepts = extend_concepts(*start, *vocabulary);
  if (!concepts->concepts.empty() && (!options.cache_block.empty() || options.finetune_steps > 0))
    return fail(Errc::invalid_config,
                "a classifier of concepts needs an unchanged encoder: omit --cache-block and "
                "--finetune-steps");
  options.architecture.concepts = static_cast<int>(concepts->concepts.size());
  options.architecture.concept_slots =
      std::min(options.architecture.concept_slots, options.architecture.concepts);
  std::fprintf(
      stderr,
      "%zu photos to train on, %zu for evaluation, %zu sentences, %lld words, %zu concepts\n",
      splits->train.size(), splits->dev.size(), text.size(),
      static_cast<long long>(vocabulary->size()), concepts->concepts.size());
  const Status done =
      guard(Errc::model_failure, "fit", [&] {
        return train(options, *vocabulary, splits->train, splits->dev, text, *concepts, *start);
      }).and_then([](Status status) { return status; });
  if (!done || !tuning || !std::filesystem::exists(options.output + "/model.yaml")) return done;
  return keep_confidence(options);
}

}  // namespace photoscribe
