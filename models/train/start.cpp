#include "models/train/start.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>
#include <unordered_map>

#include "models/decoder/decoder.h"
#include "models/encoder/encoder.h"
#include "models/format/model_store.h"
#include "models/format/safetensors.h"
#include "models/train/weights.h"

namespace photoscribe {
namespace {

/// Copies the rows of `table` (V,…) or (V), in the order of `words`, to where `vocabulary` has them
/// in `fresh`.
void move_rows(torch::Tensor& fresh, const torch::Tensor& table,
               const std::vector<std::string>& words, const Vocabulary& vocabulary) {
  std::unordered_map<std::string, std::int64_t> place;
  for (std::size_t i = 0; i < words.size(); ++i)
    place.emplace(words[i], static_cast<std::int64_t>(i));
  for (std::int64_t word = 0; word < vocabulary.size(); ++word)
    if (const auto found = place.find(vocabulary.word(word)); found != place.end())
      fresh[word].copy_(table[found->second]);
}

/// An encoder has convolutions only, batch norms folded in.
bool is_encoder_array(const std::string& name) {
  return !name.starts_with("classifier.") && !name.starts_with("fc.") &&
         !name.ends_with(".running_mean") && !name.ends_with(".num_batches_tracked");
}

tl::unexpected<Error> import_first(const std::string& file, const std::string& what,
                                   const std::string& architecture) {
  return fail(Errc::invalid_config, file + ": is " + what + ", not an encoder alone; " +
                                        "photoscribe-train import " + file + " --architecture " +
                                        (architecture.empty() ? "NAME" : architecture) +
                                        " --output encoder.safetensors makes one from it");
}

bool is_zip(const std::string& file) {
  std::string start(2, '\0');
  std::ifstream(file, std::ios::binary).read(start.data(), 2);
  return start == "PK";
}

/// The arrays of an encoder's file, which must be those of the architecture.
Expected<TensorMap> read_encoder(const std::string& file, const std::string& architecture) {
  auto tensors = load_tensors(file);
  if (!tensors) return fail(tensors.error());
  const auto fits = guard(Errc::invalid_config, file,
                          [&] { static_cast<void>(Encoder(architecture, *tensors)); });
  if (!fits)
    return fail(fits.error().code, fits.error().message + "; that is not the encoder " +
                                       architecture + " (--architecture)");
  return tensors;
}

}  // namespace

Expected<std::string> architecture_of_encoder(const std::string& path) {
  if (is_zip(path)) return import_first(path, "a file of PyTorch", {});
  const auto file = SafetensorsFile::open(path);
  if (!file) return fail(file.error());
  const auto stated = file->metadata().find("architecture");
  const std::string architecture = stated == file->metadata().end() ? "" : stated->second;
  for (const auto& [name, array] : file->arrays()) {
    if (name.starts_with("decoder."))
      return fail(Errc::invalid_config,
                  path + ": holds a whole model; continue from it with --start FOLDER");
    if (!is_encoder_array(name)) return import_first(path, "a whole state dict", architecture);
  }
  return architecture.empty() ? "mobilenet_v2" : architecture;
}

Expected<Start> read_start(const FitOptions& o) {
  Start start;
  if (o.start.empty()) {
    auto encoder = read_encoder(o.encoder, o.architecture.encoder);
    if (!encoder) return fail(encoder.error());
    start.encoder = std::move(*encoder);
    return start;
  }
  TensorMap tensors;
  if (std::filesystem::is_directory(o.start)) {
    auto model = load_model(o.start);
    if (!model) return fail(model.error());
    if (!model->members.empty())
      return fail(Errc::invalid_config,
                  o.start + ": is an ensemble; start from one of its members");
    tensors = std::move(model->tensors);
    start.words = model->vocabulary.words();
    start.grid_side = model->folder.architecture.grid_side;
    start.concepts = std::move(model->concepts);
  } else {
    auto read = load_weights(o.start);
    if (!read) return fail(read.error());
    if (read->words.empty() && read->tensors.contains("decoder.word.weight"))
      return fail(Errc::invalid_config,
                  o.start +
                      ": does not say which words its rows are for (an earlier version wrote it); "
                      "start from the model's folder that its training wrote");
    tensors = std::move(read->tensors);
    start.words = std::move(read->words);
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
  const bool same_words = start.words == vocabulary.words();
  for (auto& [name, tensor] : decoder) {
    const auto found = start.decoder.find(name);
    if (found == start.decoder.end()) continue;
    const bool of_words = name == "decoder.embedding.weight" || name == "decoder.word.weight" ||
                          name == "decoder.word.bias";
    if (of_words && !same_words) {
      // A new word gets the bias of the least likely known one.
      if (tensor.dim() == 1) tensor.fill_(found->second.min());
      move_rows(tensor, found->second, start.words, vocabulary);
    } else if (found->second.sizes() == tensor.sizes()) {
      tensor = found->second;
    } else if (!name.starts_with("decoder.concept.")) {    // another list of concepts starts afresh
      tensor = take(start.decoder, name, tensor.sizes());  // reports what does not fit
    }
  }
  return decoder;
}

}  // namespace photoscribe
