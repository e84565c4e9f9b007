#include "models/train/fit.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "models/safetensors.h"
#include "models/train/run.h"
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

/// Where a run starts.
struct Start {
  TensorMap encoder, decoder;  // names without "encoder.", with "decoder."; no decoder: random
};

Expected<Start> read_start(const FitOptions& o) {
  Start start;
  auto tensors = load_tensors(o.start.empty() ? o.encoder : o.start);
  if (!tensors) return fail(tensors.error());
  if (o.start.empty()) {
    start.encoder = std::move(*tensors);
    return start;
  }
  const std::string prefix = "encoder.";
  for (const auto& [name, tensor] : *tensors) {
    if (name.starts_with(prefix)) {
      start.encoder.emplace(name.substr(prefix.size()), tensor);
    } else {
      start.decoder.emplace(name, tensor);
    }
  }
  return start;
}

Status train(const FitOptions& options, const Vocabulary& vocabulary,
             const std::vector<CaptionedPhoto>& train, const std::vector<CaptionedPhoto>& dev,
             Start start) {
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
  if (start.decoder.empty())
    start.decoder = random_decoder(options.architecture, vocabulary.size());
  std::optional<Teacher> teacher;
  if (!options.teacher.empty()) {
    auto opened = Teacher::open(options.teacher, train, vocabulary,
                                static_cast<std::size_t>(options.search.tokens_max));
    if (!opened) return fail(opened.error());
    teacher = std::move(*opened);
  }
  Trainer trainer(options, vocabulary, train, encoder.parameters(), start.decoder,
                  teacher ? &*teacher : nullptr);
  return Run(options, {vocabulary, train, dev, *train_features, *dev_features, paths}, trainer)
      .go();
}

}  // namespace

Status fit(const FitOptions& wanted) {
  const auto completed = complete(wanted);
  if (!completed) return fail(completed.error());
  const FitOptions& options = *completed;
  for (const std::string& folder : {options.work, options.features}) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) return fail(Errc::environment, folder + ": " + failed.message());
  }
  const auto train_split = read_split(options.captions, options.train);
  if (!train_split) return fail(train_split.error());
  const auto dev_split = read_split(options.captions, options.dev);
  if (!dev_split) return fail(dev_split.error());
  const auto vocabulary = make_vocabulary(*train_split, options.words_count_min);
  if (!vocabulary) return fail(vocabulary.error());
  auto start = read_start(options);
  if (!start) return fail(start.error());
  std::fprintf(stderr, "%zu photos to train on, %zu to judge by, %lld words\n", train_split->size(),
               dev_split->size(), static_cast<long long>(vocabulary->size()));
  return guard(Errc::model_failure, "fit",
               [&] {
                 return train(options, *vocabulary, *train_split, *dev_split, std::move(*start));
               })
      .and_then([](Status status) { return status; });
}

}  // namespace photoscribe
