#include "models/train/teacher.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "models/train/features.h"
#include "models/train/progress/progress_line.h"

namespace photoscribe {
namespace {

using torch::Tensor;

/// Every caption of every photo as numbers.
std::vector<std::vector<std::vector<std::int64_t>>> encode_all(
    const std::vector<CaptionedPhoto>& split, const Vocabulary& vocabulary, std::size_t words_max) {
  std::vector<std::vector<std::vector<std::int64_t>>> all(split.size());
  for (std::size_t i = 0; i < split.size(); ++i)
    for (const Tokens& caption : split[i].captions)
      all[i].push_back(encode_caption(caption, vocabulary, words_max, /*mirrored=*/false));
  return all;
}

/// Replaces the words that a model does not know by its unknown word.
std::vector<std::vector<std::int64_t>> within(std::vector<std::vector<std::int64_t>> captions,
                                              std::int64_t known) {
  for (auto& caption : captions)
    for (std::int64_t& word : caption)
      if (word >= known) word = kUnknownToken;
  return captions;
}

}  // namespace

// Positions of photos that do not decode stay zero.
TensorMap teacher_targets(const TeachOptions& o, const std::vector<const StoredModel*>& models,
                          const std::vector<CaptionedPhoto>& split, const Vocabulary& vocabulary) {
  const torch::NoGradGuard no_grad;
  constexpr std::size_t kBatch = 16;
  const CaptionNetwork network(models, torch::kCPU, torch::kFloat32);
  const ModelArchitecture& a = models.front()->folder.architecture;
  const std::int64_t known = models.front()->vocabulary.size();
  const auto captions = encode_all(split, vocabulary, static_cast<std::size_t>(o.words_max));
  std::vector<std::int64_t> targets, first_of_photo;
  for (const auto& photo : captions) {
    first_of_photo.push_back(static_cast<std::int64_t>(targets.size()));
    for (const auto& caption : photo) targets.insert(targets.end(), caption.begin(), caption.end());
  }
  const auto P = static_cast<std::int64_t>(targets.size());
  const std::int64_t K = std::min(o.words_kept, known);
  Tensor words = at::zeros({P, K}, torch::kInt64), probabilities = at::zeros({P, K}, torch::kHalf);
  ProgressLine progress("teach", "photos");
  for (std::size_t next = 0; next < split.size();) {
    std::vector<Tensor> images;
    std::vector<std::vector<std::vector<std::int64_t>>> some;
    std::vector<std::size_t> which;
    for (; next < split.size() && images.size() < kBatch; ++next) {
      const auto photo = read_photo(split[next].path, a.input_side_px);
      if (!photo) continue;
      images.push_back(normalise(*photo, a).permute({1, 2, 0}));
      some.push_back(within(captions[next], known));
      which.push_back(next);
    }
    if (images.empty()) continue;
    const SoftTargets predicted =
        network.soft_targets(network.encode(at::stack(images).contiguous()), some, K);
    std::int64_t at = 0;
    for (std::size_t k = 0; k < which.size(); ++k) {
      std::int64_t places = 0;
      for (const auto& caption : some[k]) places += static_cast<std::int64_t>(caption.size());
      const std::int64_t first = first_of_photo[which[k]];
      words.narrow(0, first, places).copy_(predicted.words.narrow(0, at, places));
      probabilities.narrow(0, first, places).copy_(predicted.probabilities.narrow(0, at, places));
      at += places;
    }
    progress.update(static_cast<std::int64_t>(next), static_cast<std::int64_t>(split.size()));
  }
  return {{"targets", at::tensor(targets)}, {"words", words}, {"probabilities", probabilities}};
}

Status teach(const TeachOptions& o) {
  const auto models = load_models(o.models);
  if (!models) return fail(models.error());
  const auto split = read_split(o.sources, o.split);
  if (!split) return fail(split.error());
  const auto tensors = guard(Errc::model_failure, "teach", [&] {
    return teacher_targets(o, members_of(*models), *split, models->front().vocabulary);
  });
  if (!tensors) return fail(tensors.error());
  return save_tensors(o.output, *tensors);
}

Expected<Teacher> Teacher::open(const std::string& path, const std::vector<CaptionedPhoto>& train,
                                const Vocabulary& vocabulary, std::size_t words_max) {
  const auto file = load_tensors(path);
  if (!file) return fail(file.error());
  return guard(Errc::invalid_config, path, [&] {
    Teacher teacher;
    std::vector<std::int64_t> targets;
    std::int64_t captions = 0;
    for (const auto& photo : encode_all(train, vocabulary, words_max)) {
      teacher.first_caption_.push_back(captions);
      for (const auto& caption : photo) {
        teacher.first_place_.push_back(static_cast<std::int64_t>(targets.size()));
        targets.insert(targets.end(), caption.begin(), caption.end());
        ++captions;
      }
    }
    for (const char* name : {"targets", "words", "probabilities"}) {
      if (!file->contains(name))
        throw std::runtime_error(std::string("no ") + name +
                                 " in it; photoscribe-train teach writes such files");
    }
    const auto P = static_cast<std::int64_t>(targets.size());
    const Tensor& words = file->at("words");
    const Tensor& probabilities = file->at("probabilities");
    if (!at::equal(file->at("targets"), at::tensor(targets)) || words.dim() != 2 ||
        words.size(0) != P || probabilities.sizes() != words.sizes() ||
        words.scalar_type() != torch::kInt64 || words.min().item<std::int64_t>() < 0 ||
        words.max().item<std::int64_t>() >= vocabulary.size()) {
      throw std::runtime_error(
          "was made from other captions, another vocabulary or another --tokens-max than this "
          "training "
          "has; make it again with photoscribe-train teach, from the same captions and split");
    }
    teacher.words_ = words;
    teacher.probabilities_ = probabilities;
    teacher.left_ = vocabulary.number("left");
    teacher.right_ = vocabulary.number("right");
    return teacher;
  });
}

SoftTargets Teacher::of(const Batch& batch) const {
  // The captions in the order in which make_batch() packed them.
  std::vector<std::int64_t> places_from;
  std::vector<bool> mirrored;
  for (std::size_t k = 0; k < batch.photos.size(); ++k) {
    const auto photo = static_cast<std::size_t>(batch.photos[k]);
    const auto first = static_cast<std::size_t>(first_caption_.at(photo));
    const std::size_t last = photo + 1 < first_caption_.size()
                                 ? static_cast<std::size_t>(first_caption_[photo + 1])
                                 : first_place_.size();
    for (std::size_t caption = first; caption < last; ++caption) {
      places_from.push_back(first_place_[caption]);
      mirrored.push_back(batch.mirror[k]);
    }
  }
  std::vector<std::int64_t> place;
  std::vector<std::uint8_t> flip;
  for (std::size_t t = 0; t < batch.packing.counts.size(); ++t) {
    for (std::size_t r = 0; r < static_cast<std::size_t>(batch.packing.counts[t]); ++r) {
      const auto row = static_cast<std::size_t>(batch.row_of[r]);
      place.push_back(places_from.at(row) + static_cast<std::int64_t>(t));
      flip.push_back(mirrored[row] ? 1 : 0);
    }
  }
  const Tensor which = at::tensor(place);
  SoftTargets some{words_.index_select(0, which),
                   probabilities_.index_select(0, which).to(torch::kFloat32)};
  const Tensor flipped = at::tensor(flip).to(torch::kBool).unsqueeze(1);
  const Tensor sided = some.words.eq(left_) | some.words.eq(right_);
  some.words = at::where(flipped & sided, left_ + right_ - some.words, some.words);
  return some;
}

}  // namespace photoscribe
