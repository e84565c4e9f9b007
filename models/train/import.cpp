#include "models/train/import.h"

#include <ATen/ATen.h>

#include <set>
#include <sstream>

#include "models/encoder.h"

namespace photoscribe {
namespace {

/// Takes arrays out of a state dict and remembers which, and what was wrong.
class Reader {
 public:
  explicit Reader(const TensorMap& state) : state_(state) {}

  [[nodiscard]] bool has(const std::string& name) const { return state_.contains(name); }

  /// Zeros when it is not there or has another shape; complaints() then says so.
  torch::Tensor get(const std::string& name, const std::vector<std::int64_t>& shape) {
    used_.insert(name);
    const auto found = state_.find(name);
    if (found == state_.end()) {
      complaints_.push_back(name + " is missing");
    } else if (found->second.sizes() != c10::IntArrayRef(shape)) {
      std::ostringstream text;
      text << name << " has the shape " << found->second.sizes() << ", not "
           << c10::IntArrayRef(shape);
      complaints_.push_back(text.str());
    } else {
      return found->second.to(torch::kFloat32);
    }
    return at::zeros(shape);
  }

  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }
  [[nodiscard]] std::vector<std::string> left_over() const {
    std::vector<std::string> names;
    for (const auto& item : state_)
      if (!used_.contains(item.first)) names.push_back(item.first);
    return names;
  }

 private:
  const TensorMap& state_;
  std::set<std::string> used_;
  std::vector<std::string> complaints_;
};

std::string list(const std::vector<std::string>& complaints) {
  std::string text;
  for (const std::string& one : complaints) text += "\n  " + one;
  return text;
}

}  // namespace

Expected<ImportedEncoder> import_encoder(const TensorMap& state, const std::string& architecture,
                                         double epsilon) {
  return guard(Errc::invalid_config, "import", [&] {
    ImportedEncoder made;
    Reader reader(state);
    for (const EncoderLayer& layer : encoder_layers(architecture)) {
      if (layer.kind != LayerKind::convolution) continue;
      torch::Tensor weight = reader.get(layer.name + ".weight", weight_shape(layer)), bias;
      const bool folded = layer.norm.empty() || (reader.has(layer.name + ".bias") &&
                                                 !reader.has(layer.norm + ".running_mean"));
      if (folded) {
        bias = reader.get(layer.name + ".bias", {layer.out});
      } else {
        const torch::Tensor gain = reader.get(layer.norm + ".weight", {layer.out}),
                            shift = reader.get(layer.norm + ".bias", {layer.out}),
                            mean = reader.get(layer.norm + ".running_mean", {layer.out}),
                            variance = reader.get(layer.norm + ".running_var", {layer.out});
        const torch::Tensor scale = gain.to(torch::kFloat64) / (variance.to(torch::kFloat64) + epsilon).sqrt();
        weight = (weight * scale.view({-1, 1, 1, 1})).to(torch::kFloat32);
        bias = (shift - mean * scale).to(torch::kFloat32);
        ++made.folded;
      }
      made.tensors.emplace(layer.name + ".weight", weight);
      made.tensors.emplace(layer.name + ".bias", bias);
    }
    if (!reader.complaints().empty()) {
      throw std::runtime_error("the arrays are not those of " + architecture + ":" +
                               list(reader.complaints()));
    }
    made.left_over = reader.left_over();
    return made;
  });
}

Expected<TensorMap> load_state_dict(const std::string& path) { return load_tensors(path); }

}  // namespace photoscribe
