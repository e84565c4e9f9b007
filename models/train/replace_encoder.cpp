#include "models/train/replace_encoder.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "models/decoder/decoder.h"
#include "models/encoder/fast_encoder.h"
#include "models/format/model_store.h"
#include "models/train/features.h"
#include "models/train/loss/concept_head.h"
#include "models/train/progress/progress_line.h"
#include "models/train/progress/stop.h"
#include "models/train/start.h"

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr double kRidge = 1e-3;

/// An encoder and how photos are shown to it.
struct Sight {
  ModelArchitecture architecture;  // its encoder, side, mean and std
  TensorMap tensors;               // names without "encoder."
};

/// The encoder that takes the place of `old`'s.
Expected<Sight> read_sight(const ReplaceEncoderOptions& o, const ModelArchitecture& old) {
  Sight made{old, {}};
  if (std::filesystem::is_directory(o.encoder)) {
    const auto other = load_model(o.encoder);
    if (!other) return fail(other.error());
    if (!other->members.empty())
      return fail(Errc::invalid_config, o.encoder + ": is an ensemble; name one of its members");
    const ModelArchitecture& its = other->folder.architecture;
    made.architecture.encoder = its.encoder;
    made.architecture.input_side_px = its.input_side_px;
    made.architecture.mean = its.mean;
    made.architecture.std = its.std;
    const std::string prefix = "encoder.";
    for (const auto& [name, tensor] : other->tensors)
      if (name.starts_with(prefix)) made.tensors.emplace(name.substr(prefix.size()), tensor);
  } else {
    const auto architecture = architecture_of_encoder(o.encoder);
    if (!architecture) return fail(architecture.error());
    auto tensors = load_tensors(o.encoder);
    if (!tensors) return fail(tensors.error());
    made.architecture.encoder = *architecture;
    made.tensors = std::move(*tensors);
  }
  if (o.side_px > 0) made.architecture.input_side_px = o.side_px;
  const auto fits = guard(Errc::invalid_config, o.encoder, [&] {
    made.architecture.feature_channels = static_cast<int>(
        feature_channels(Encoder(made.architecture.encoder, made.tensors).layers()));
  });
  if (!fits) return fail(fits.error());
  return made;
}

/// Of a square grid (N,L,C).
std::int64_t side_of(const Tensor& grid) {
  return std::llround(std::sqrt(static_cast<double>(grid.size(1))));
}

/// (N,L,D) on a square grid -> (N,side * side,D), by bilinear interpolation.
Tensor on_grid(const Tensor& values, std::int64_t side) {
  const std::int64_t own = side_of(values);
  if (own == side) return values;
  const Tensor map = values.transpose(1, 2).reshape({values.size(0), values.size(2), own, own});
  return at::upsample_bilinear2d(map, {side, side}, /*align_corners=*/false)
      .flatten(2)
      .transpose(1, 2);
}

struct Fitted {
  RidgeRegression::Result annotate;
  Tensor means;                        // (P,C) features of the new encoder
  std::vector<CaptionedPhoto> photos;  // P, those that decode
};

Expected<Fitted> fit_on(const std::vector<CaptionedPhoto>& photos, const StoredModel& model,
                        const Sight& sight) {
  constexpr std::size_t kBatch = 32;
  const ModelArchitecture& old = model.folder.architecture;
  const FastEncoder before(Encoder(old.encoder, model.tensors, "encoder."), old.input_side_px);
  const FastEncoder after(Encoder(sight.architecture.encoder, sight.tensors),
                          sight.architecture.input_side_px);
  const Tensor weight = take(model.tensors, "decoder.annotate.weight",
                             {old.annotation_size, old.feature_channels}),
               bias = take(model.tensors, "decoder.annotate.bias", {old.annotation_size});
  RidgeRegression regression(sight.architecture.feature_channels, old.annotation_size);
  std::vector<Tensor> means;
  Fitted fitted;
  ProgressLine progress("replace-encoder", "photos");
  for (std::size_t next = 0; next < photos.size();) {
    progress.update(static_cast<std::int64_t>(next), static_cast<std::int64_t>(photos.size()));
    if (stop_requested()) return fail(Errc::cancelled, "stopped; nothing was written");
    std::vector<Tensor> seen, shown;
    for (; next < photos.size() && seen.size() < kBatch; ++next) {
      const auto one = read_photo(photos[next].path, old.input_side_px);
      if (!one) continue;
      const auto other = sight.architecture.input_side_px == old.input_side_px
                             ? one
                             : read_photo(photos[next].path, sight.architecture.input_side_px);
      if (!other) continue;
      seen.push_back(normalise(*one, old).permute({1, 2, 0}));
      shown.push_back(normalise(*other, sight.architecture).permute({1, 2, 0}));
      fitted.photos.push_back(photos[next]);
    }
    if (seen.empty()) continue;
    const Tensor features = after.forward(at::stack(shown).contiguous());
    const Tensor from = pool_grid(features, old.grid_side);
    const Tensor known = at::linear(
        pool_grid(before.forward(at::stack(seen).contiguous()), old.grid_side), weight, bias);
    regression.add(from.flatten(0, 1), on_grid(known, side_of(from)).flatten(0, 1));
    means.push_back(features.mean(1));
  }
  if (means.empty()) return fail(Errc::environment, "none of the photos decodes");
  fitted.annotate = regression.solve(kRidge);
  fitted.means = at::cat(means);
  return fitted;
}

}  // namespace

RidgeRegression::RidgeRegression(std::int64_t inputs, std::int64_t outputs)
    : squares_(at::zeros({inputs + 1, inputs + 1}, torch::kFloat64)),
      products_(at::zeros({inputs + 1, outputs}, torch::kFloat64)),
      outputs_(at::zeros({outputs}, torch::kFloat64)),
      output_squares_(at::zeros({outputs}, torch::kFloat64)) {}

void RidgeRegression::add(const Tensor& from, const Tensor& to) {
  const Tensor x = at::cat({from, at::ones({from.size(0), 1})}, 1).to(torch::kFloat64),
               y = to.to(torch::kFloat64);
  squares_.addmm_(x.t(), x);
  products_.addmm_(x.t(), y);
  outputs_ += y.sum(0);
  output_squares_ += y.square().sum(0);
  rows_ += static_cast<double>(from.size(0));
}

RidgeRegression::Result RidgeRegression::solve(double ridge) const {
  if (rows_ == 0) throw std::runtime_error("a regression without rows");
  const std::int64_t inputs = squares_.size(0) - 1;
  const Tensor diagonal = squares_.diagonal().clone();
  Tensor penalty = at::full({inputs + 1}, ridge, torch::kFloat64) *
                   diagonal.slice(0, 0, inputs).mean().clamp_min(1e-12);
  penalty[inputs] = 0;
  const Tensor factor = at::linalg_cholesky(squares_ + at::diag(penalty));
  const Tensor solution = at::cholesky_solve(products_, factor);  // (C+1,D)
  // Sums of squares of what is left: y'y - 2 w'x'y + w'x'x w.
  const Tensor left = output_squares_ - 2 * (solution * products_).sum(0) +
                      (solution * at::mm(squares_, solution)).sum(0);
  const Tensor variance = output_squares_ - outputs_.square() / rows_;
  Result made;
  made.weight = solution.slice(0, 0, inputs).t().to(torch::kFloat32).contiguous();
  made.bias = solution[inputs].to(torch::kFloat32).contiguous();
  made.explained = 1 - left.sum().item<double>() / std::max(1e-300, variance.sum().item<double>());
  return made;
}

Status replace_encoder(const ReplaceEncoderOptions& o) {
  const auto model = load_model(o.model);
  if (!model) return fail(model.error());
  if (!model->members.empty())
    return fail(Errc::invalid_config, o.model + ": is an ensemble; take one of its members");
  if (!model->tensors.contains("decoder.annotate.weight"))
    return fail(Errc::invalid_config, o.model + ": its decoder (" +
                                          model->folder.architecture.decoder +
                                          ") does not look at a grid of features");
  const auto sight = read_sight(o, model->folder.architecture);
  if (!sight) return fail(sight.error());
  const auto photos = read_split(o.sources, o.split);
  if (!photos) return fail(photos.error());
  ConceptLabels labels;
  if (!o.concept_labels.empty()) {
    auto read = read_concept_labels(o.concept_labels);
    if (!read) return fail(read.error());
    labels = std::move(*read);
  }
  const auto done = guard(Errc::model_failure, "replace-encoder", [&]() -> Status {
    const torch::NoGradGuard no_grad;
    auto fitted = fit_on(*photos, *model, *sight);
    if (!fitted) return fail(fitted.error());
    TensorMap tensors;
    for (const auto& [name, tensor] : model->tensors)
      if (!name.starts_with("encoder.")) tensors.emplace(name, tensor);
    for (const auto& [name, tensor] : sight->tensors) tensors.emplace("encoder." + name, tensor);
    tensors["decoder.annotate.weight"] = fitted->annotate.weight;
    tensors["decoder.annotate.bias"] = fitted->annotate.bias;
    if (!model->concepts.empty())
      for (auto& [name, tensor] :
           fit_concept_head(fitted->means, concept_targets(fitted->photos, labels, model->concepts),
                            o.seed)
               .parameters)
        tensors[name] = tensor;
    ModelToStore made{
        model->folder.name, sight->architecture, model->folder.search, {}, model->concepts};
    made.training_yaml = fmt::format("  command: {}\n  seed: {}\n  annotations_explained: {:.4f}\n",
                                     yaml_quoted(o.command), o.seed, fitted->annotate.explained);
    if (Status s = store_model(o.output, made, model->vocabulary, tensors); !s) return s;
    std::fprintf(stderr,
                 "%zu photos; the new features explain %.1f %% of the variance of what the decoder "
                 "knew\nmodel: %s\nnext: photoscribe-train fit-encoder, then fit --start %s "
                 "--no-teacher …; it has no confidence yet\n",
                 fitted->photos.size(), 100 * fitted->annotate.explained, o.output.c_str(),
                 o.output.c_str());
    return {};
  });
  return done.and_then([](Status status) { return status; });
}

}  // namespace photoscribe
