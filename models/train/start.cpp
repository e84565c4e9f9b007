#include "models/train/start.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <unordered_map>

#include "models/decoder.h"
#include "models/model_store.h"

namespace photoscribe {
namespace {

/// Rows of `table` (V,…) or (V) where words stood before, moved into `fresh`.
void move_rows(torch::Tensor& fresh, const torch::Tensor& table,
               const std::vector<std::string>& words, const Vocabulary& vocabulary) {
  std::unordered_map<std::string, std::int64_t> place;
  for (std::size_t i = 0; i < words.size(); ++i)
    place.emplace(words[i], static_cast<std::int64_t>(i));
  for (std::int64_t word = 0; word < vocabulary.size(); ++word)
    if (const auto found = place.find(vocabulary.word(word)); found != place.end())
      fresh[word].copy_(table[found->second]);
}

}  // namespace

Expected<Start> read_start(const FitOptions& o) {
  Start start;
  TensorMap tensors;
  if (!o.start.empty() && std::filesystem::is_directory(o.start)) {
    auto model = load_model(o.start);
    if (!model) return fail(model.error());
    if (!model->members.empty())
      return fail(Errc::invalid_config,
                  o.start + ": is an ensemble; start from one of its members");
    tensors = std::move(model->tensors);
    start.words = model->vocabulary.words();
    start.grid_side = model->folder.architecture.grid_side;
  } else {
    auto read = load_tensors(o.start.empty() ? o.encoder : o.start);
    if (!read) return fail(read.error());
    tensors = std::move(*read);
  }
  if (o.start.empty()) {
    start.encoder = std::move(tensors);
    return start;
  }
  const std::string prefix = "encoder.";
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) {
      start.encoder.emplace(name.substr(prefix.size()), tensor);
    } else {
      start.decoder.emplace(name, tensor);
    }
  }
  return start;
}

TensorMap complete_decoder(const Start& start, const ModelArchitecture& architecture,
                           const Vocabulary& vocabulary) {
  TensorMap decoder = random_decoder(architecture, vocabulary.size());
  const bool same_words = start.words.empty() || start.words == vocabulary.words();
  for (auto& [name, tensor] : decoder) {
    const auto found = start.decoder.find(name);
    if (found == start.decoder.end()) continue;
    const bool of_words = name == "decoder.embedding.weight" || name == "decoder.word.weight" ||
                          name == "decoder.word.bias";
    if (of_words && !same_words) {
      // A word that was never heard of is said as seldom as the rarest that was.
      if (tensor.dim() == 1) tensor.fill_(found->second.min());
      move_rows(tensor, found->second, start.words, vocabulary);
    } else if (found->second.sizes() == tensor.sizes()) {
      tensor = found->second;
    } else if (!name.starts_with("decoder.concept.")) {  // another list of concepts is learnt anew
      tensor = take(start.decoder, name, tensor.sizes());  // says what does not fit
    }
  }
  return decoder;
}

}  // namespace photoscribe
