#include "models/format/model_store.h"

#include <filesystem>
#include <fstream>
#include <string_view>

namespace photoscribe {

Expected<StoredModel> load_model(const std::string& folder) {
  auto read = read_model_folder(folder);
  if (!read) return fail(read.error());
  if (!read->members.empty()) {
    StoredModel ensemble{std::move(*read), {}, {}, {}, {}};
    for (const ModelFolder& member : ensemble.folder.members) {
      auto one = load_model(member.folder);
      if (!one) return one;
      ensemble.members.push_back(std::move(*one));
    }
    ensemble.vocabulary = ensemble.members.front().vocabulary;
    ensemble.concepts = ensemble.members.front().concepts;
    return ensemble;
  }
  auto vocabulary = Vocabulary::read(folder + "/vocab.txt");
  if (!vocabulary) return fail(vocabulary.error());
  auto tensors = load_tensors(folder + "/weights.safetensors");
  if (!tensors) return fail(tensors.error());
  auto scales = read_int8_scales(folder, read->hash);
  StoredModel model{std::move(*read), std::move(*vocabulary), std::move(*tensors), {}, {},
                    std::move(scales)};
  if (model.folder.architecture.concepts == 0) return model;
  auto concepts = read_concepts(folder + "/concepts.txt");
  if (!concepts) return fail(concepts.error());
  model.concepts = known_concepts(*concepts, model.vocabulary);
  if (model.concepts.size() != concepts->size() ||
      static_cast<int>(concepts->size()) != model.folder.architecture.concepts)
    return fail(Errc::invalid_config, folder + "/concepts.txt: the model has " +
                                          std::to_string(model.folder.architecture.concepts) +
                                          " concepts, all of words of its vocabulary");
  add_concept_numbers(model.tensors, model.concepts, model.vocabulary);
  return model;
}

namespace {

bool has_scales(const StoredModel& model) {
  return model.int8_scales && !model.int8_scales->empty();
}

}  // namespace

Expected<std::vector<StoredModel>> load_models(const std::vector<std::string>& folders) {
  std::vector<StoredModel> models;
  for (const std::string& folder : folders) {
    auto model = load_model(folder);
    if (!model) return fail(model.error());
    models.push_back(std::move(*model));
  }
  return models;
}

std::string yaml_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += c;
    quoted += c == '\n' ? ' ' : c;
  }
  return quoted + "'";
}

Status store_ensemble(const std::string& folder, const std::string& name,
                      const std::vector<StoredModel>& members) {
  namespace fs = std::filesystem;
  if (fs::exists(folder + "/model.yaml"))
    return fail(Errc::environment, folder + ": there is a model already; name another folder");
  std::string list;
  for (const StoredModel& member : members) {
    if (!member.members.empty())
      return fail(Errc::invalid_config,
                  member.folder.folder + ": is an ensemble itself; name its members instead");
    const std::string own = "member" + std::to_string(&member - members.data() + 1);
    std::error_code failed;
    fs::create_directories(folder + "/" + own, failed);
    for (const char* file :
         {"model.yaml", "vocab.txt", "weights.safetensors", "concepts.txt", kInt8File}) {
      if (failed) break;
      if (member.concepts.empty() && file == std::string_view("concepts.txt")) continue;
      if (!has_scales(member) && file == std::string_view(kInt8File)) continue;
      fs::copy_file(member.folder.folder + "/" + file, folder + "/" + own + "/" + file,
                    fs::copy_options::overwrite_existing, failed);
    }
    if (failed) return fail(Errc::environment, folder + "/" + own + ": " + failed.message());
    list += (list.empty() ? "" : ", ") + own;
  }
  const std::string path = folder + "/model.yaml";
  std::ofstream file(path, std::ios::trunc);
  file << "name: " << yaml_quoted(name) << "\nmembers: [" << list << "]\n"
       << to_yaml(members.front().folder.search);
  file.close();
  if (!file) return fail(Errc::environment, path + ": cannot be written");
  return {};
}

namespace {

/// Whether store_model() keeps an array in eight bits: those that make up nearly all of a model's
/// size, with rows long enough that a scale for each costs nothing.
bool is_narrowed(const torch::Tensor& tensor) {
  constexpr std::int64_t kNumbersMin = 1 << 15, kRowMin = 64;
  return tensor.dim() >= 2 && tensor.numel() >= kNumbersMin &&
         tensor.numel() / tensor.size(0) >= kRowMin;
}

}  // namespace

torch::Tensor as_stored(const torch::Tensor& tensor) {
  if (!is_narrowed(tensor)) return tensor.detach().to(torch::kHalf).to(torch::kFloat32);
  TensorMap table;
  narrow_rows(table, "", tensor);
  widen_rows(table);
  return table.at("");
}

Status store_model(const std::string& folder, const ModelToStore& model,
                   const Vocabulary& vocabulary, const TensorMap& tensors) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return fail(Errc::environment, folder + ": " + failed.message());
  TensorMap stored;
  for (const auto& [name, tensor] : tensors) {
    if (model.exact && torch::isFloatingType(tensor.scalar_type())) {
      stored.emplace(name, tensor);
    } else if (!torch::isFloatingType(tensor.scalar_type())) {
      continue;  // concepts.txt has the numbers
    } else if (is_narrowed(tensor)) {
      narrow_rows(stored, name, tensor);
    } else {
      stored.emplace(name, tensor.detach().to(torch::kHalf));
    }
  }
  std::filesystem::remove(folder + "/" + kInt8File, failed);  // of other weights
  if (!model.concepts.empty())
    if (Status s = write_concepts(folder + "/concepts.txt", model.concepts); !s) return s;
  if (Status s = save_tensors(folder + "/weights.safetensors", stored, {{"format", "photoscribe"}});
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
