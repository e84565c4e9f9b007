#include "models/model_store.h"

#include <filesystem>
#include <fstream>

namespace photoscribe {

Expected<StoredModel> load_model(const std::string& folder) {
  auto read = read_model_folder(folder);
  if (!read) return fail(read.error());
  auto vocabulary = Vocabulary::read(folder + "/vocab.txt");
  if (!vocabulary) return fail(vocabulary.error());
  auto tensors = load_tensors(folder + "/weights.safetensors");
  if (!tensors) return fail(tensors.error());
  return StoredModel{std::move(*read), std::move(*vocabulary), std::move(*tensors)};
}

std::string yaml_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += c;
    quoted += c == '\n' ? ' ' : c;
  }
  return quoted + "'";
}

Status store_model(const std::string& folder, const ModelToStore& model,
                   const Vocabulary& vocabulary, const TensorMap& tensors) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return fail(Errc::environment, folder + ": " + failed.message());
  TensorMap half;
  for (const auto& [name, tensor] : tensors) half.emplace(name, tensor.detach().to(torch::kHalf));
  if (Status s = save_tensors(folder + "/weights.safetensors", half, {{"format", "photoscribe"}});
      !s) {
    return s;
  }
  if (Status s = vocabulary.write(folder + "/vocab.txt"); !s) return s;
  const std::string path = folder + "/model.yaml";
  std::ofstream file(path, std::ios::trunc);
  file << "name: " << yaml_quoted(model.name) << '\n' << to_yaml(model.architecture, model.search);
  if (!model.training_yaml.empty()) file << "training:\n" << model.training_yaml;
  file.close();
  if (!file) return fail(Errc::environment, path + ": cannot be written");
  return {};
}

}  // namespace photoscribe
