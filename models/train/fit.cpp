#include "models/train/fit.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

#include "models/safetensors.h"
#include "models/train/concept_head.h"
#include "models/train/mixed.h"
#include "models/train/run.h"
#include "models/train/start.h"
#include "models/train/teacher.h"

namespace photoscribe {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> paths_of(const std::string& folder,
                                  const std::vector<CaptionedPhoto>& photos) {
  std::vector<std::string> paths;
  for (const CaptionedPhoto& photo : photos) paths.push_back(folder + "/" + photo.name);
  return paths;
}

std::function<void(std::int64_t, std::int64_t)> say_cached(const char* what) {
  return [what, start = Clock::now(), next = Clock::now()](std::int64_t done,
                                                           std::int64_t all) mutable {
    if (Clock::now() < next && done < all) return;
    next = Clock::now() + std::chrono::seconds(10);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::fprintf(stderr, "features of %s photos: %lld of %lld, %.1f photos/s\n", what,
                 static_cast<long long>(done), static_cast<long long>(all),
                 static_cast<double>(done) / seconds);
  };
}

/// Fills in what follows from the encoder's file.
Expected<FitOptions> complete(FitOptions o) {
  if (o.features.empty()) o.features = o.work;
  if (o.architecture.encoder.empty()) {
    const auto file = SafetensorsFile::open(o.encoder);
    if (!file) return fail(file.error());
    const auto said = file->metadata().find("architecture");
    o.architecture.encoder = said == file->metadata().end() ? "mobilenet_v2" : said->second;
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

/// All that a model's concepts are learnt from.
struct ConceptSources {
  std::vector<ConceptEntry> concepts;
  ConceptLabels labels;
  std::vector<CaptionedPhoto> further;  // photos with labels alone
};

Expected<ConceptSources> read_concept_sources(const FitOptions& o, const Vocabulary& vocabulary) {
  ConceptSources sources;
  if (o.concepts.empty()) return sources;
  if (!o.cache_block.empty() || o.finetune_steps > 0)
    return fail(Errc::invalid_config,
                "--concepts needs an encoder that stays as it is: leave out --cache-block and "
                "--finetune-steps");
  auto concepts = read_concepts(o.concepts);
  if (!concepts) return fail(concepts.error());
  sources.concepts = known_concepts(*concepts, vocabulary);
  if (sources.concepts.empty())
    return fail(Errc::invalid_config, o.concepts + ": no caption has a word of it");
  if (!o.concept_labels.empty()) {
    auto labels = read_concept_labels(o.concept_labels);
    if (!labels) return fail(labels.error());
    sources.labels = std::move(*labels);
  }
  if (o.concept_photos.empty()) return sources;
  std::ifstream list(o.concept_photos);
  if (!list) return fail(Errc::invalid_config, o.concept_photos + ": cannot be opened");
  for (std::string name; std::getline(list, name);)
    if (!name.empty()) sources.further.push_back({name, {}, 1});
  return sources;
}

struct Concepts {
  ConceptTargets targets;  // (P,M) of the train split
  ConceptHead head;
};

/// Fits the classifier, or takes what an earlier run with the same photos, labels and features left
/// in the features' folder.
Expected<Concepts> learn_concepts(const FitOptions& o, const ConceptSources& sources,
                                  const std::vector<CaptionedPhoto>& train,
                                  const FeatureCache& train_features,
                                  const CachedFeatures& cached) {
  const auto P = static_cast<std::int64_t>(train.size());
  std::vector<CaptionedPhoto> photos = train;
  torch::Tensor features = mean_features(train_features, P);
  if (!sources.further.empty()) {
    const auto further = FeatureCache::open_or_make(o.features + "/features.concepts",
                                                    paths_of(o.photos, sources.further), cached,
                                                    say_cached("concepts'"));
    if (!further) return fail(further.error());
    photos.insert(photos.end(), sources.further.begin(), sources.further.end());
    features = at::cat(
        {features, mean_features(*further, static_cast<std::int64_t>(sources.further.size()))});
  }
  Concepts result{concept_targets(photos, sources.labels, sources.concepts), {}};
  char key[160];
  std::snprintf(key, sizeof key, "%lld %zu %.9g %.9g %.9g %llu",
                static_cast<long long>(features.size(0)), sources.concepts.size(),
                features.sum(torch::kFloat64).item<double>(),
                result.targets.probability.sum(torch::kFloat64).item<double>(),
                result.targets.weight.sum(torch::kFloat64).item<double>(),
                static_cast<unsigned long long>(o.seed));
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
  const auto paths = paths_of(options.photos, train);
  CachedFeatures cached{options.cache_block.empty() ? encoder : encoder.until(options.cache_block),
                        options.architecture, options.views, options.mirror};
  const auto train_features = FeatureCache::open_or_make(options.features + "/features.train",
                                                         paths, cached, say_cached("train"));
  if (!train_features) return fail(train_features.error());
  cached.views = 1;
  const auto dev_features = FeatureCache::open_or_make(
      options.features + "/features.dev", paths_of(options.photos, dev), cached, say_cached("dev"));
  if (!dev_features) return fail(dev_features.error());
  at::manual_seed(options.seed);
  TensorMap decoder = complete_decoder(start, options.architecture, vocabulary);
  Guides guides;
  std::optional<TextBatches> text_batches;
  if (!concepts.concepts.empty()) {
    const auto learnt = learn_concepts(options, concepts, train, *train_features, cached);
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
  if (!options.teacher.empty()) {
    auto opened = Teacher::open(options.teacher, train, vocabulary,
                                static_cast<std::size_t>(options.search.tokens_max));
    if (!opened) return fail(opened.error());
    teacher = std::move(*opened);
    guides.teacher = &*teacher;
  }
  Trainer trainer(options, vocabulary, train, encoder.parameters(), decoder, guides);
  return Run(options,
             {vocabulary, train, dev, *train_features, *dev_features, paths, concepts.concepts},
             trainer)
      .go();
}

}  // namespace

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
  const auto train_split = read_split(options.captions, options.train);
  if (!train_split) return fail(train_split.error());
  const auto dev_split = read_split(options.captions, options.dev);
  if (!dev_split) return fail(dev_split.error());
  std::vector<Tokens> text;
  if (!options.text.empty()) {
    if (options.concepts.empty())
      return fail(Errc::invalid_config,
                  "--text needs --concepts: they are what binds sentences to photos");
    auto read = read_text(options.text);
    if (!read) return fail(read.error());
    text = std::move(*read);
  }
  const auto vocabulary = make_vocabulary(*train_split, text, options.words);
  if (!vocabulary) return fail(vocabulary.error());
  const auto concepts = read_concept_sources(options, *vocabulary);
  if (!concepts) return fail(concepts.error());
  options.architecture.concepts = static_cast<int>(concepts->concepts.size());
  options.architecture.concept_slots =
      std::min(options.architecture.concept_slots, options.architecture.concepts);
  const auto start = read_start(options);
  if (!start) return fail(start.error());
  options.architecture.grid_side = start->grid_side;
  std::fprintf(stderr,
               "%zu photos to train on, %zu to judge by, %zu sentences, %lld words, %zu concepts\n",
               train_split->size(), dev_split->size(), text.size(),
               static_cast<long long>(vocabulary->size()), concepts->concepts.size());
  return guard(Errc::model_failure, "fit",
               [&] {
                 return train(options, *vocabulary, *train_split, *dev_split, text, *concepts,
                              *start);
               })
      .and_then([](Status status) { return status; });
}

}  // namespace photoscribe
