#include "models/train/import.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "models/encoder.h"
#include "models/train/pickle.h"

namespace photoscribe {
namespace {

std::vector<std::string> split_dots(const std::string& name) {
  std::vector<std::string> parts;
  std::istringstream fields(name);
  for (std::string part; std::getline(fields, part, '.');) parts.push_back(part);
  return parts;
}

/// Where torchvision keeps what timm calls `part` of an inverted residual block.
std::string torchvision_part(const std::string& part, bool expands, bool mobilenet) {
  const int depthwise = expands ? 1 : 0;  // number of the convolution within the block
  const int project = depthwise + (mobilenet ? 1 : 2);
  const auto conv = [](int number) { return std::to_string(number) + ".0"; };
  const auto norm = [](int number) { return std::to_string(number) + ".1"; };
  if (part == "conv_dw") return conv(depthwise);
  if (part == (expands ? "bn2" : "bn1")) return norm(depthwise);
  if (part == "conv_reduce") return std::to_string(depthwise + 1) + ".fc1";
  if (part == "conv_expand") return std::to_string(depthwise + 1) + ".fc2";
  if (expands && part == "conv_pw") return conv(0);
  if (expands && part == "bn1") return norm(0);
  if (part == (expands ? "conv_pwl" : "conv_pw"))
    return mobilenet ? std::to_string(project) : conv(project);
  if (part == (expands ? "bn3" : "bn2"))
    return mobilenet ? std::to_string(project + 1) : norm(project);
  return part;
}

/// timm's name of a parameter of MobileNetV2 or EfficientNet as torchvision's; others unchanged.
/// timm: conv_stem, bn1, blocks.STAGE.BLOCK.{conv_pw, bn1, conv_dw, bn2, se, conv_pwl, bn3}
/// (without an expansion {conv_dw, bn1, se, conv_pw, bn2}), conv_head, bn2.
std::string torchvision_name(const std::string& name, const TensorMap& state, bool mobilenet) {
  const std::vector<std::string> parts = split_dots(name);
  const std::string last = mobilenet ? "features.18." : "features.8.";
  if (parts.size() == 2) {
    if (parts[0] == "conv_stem") return "features.0.0." + parts[1];
    if (parts[0] == "bn1") return "features.0.1." + parts[1];
    if (parts[0] == "conv_head") return last + "0." + parts[1];
    if (parts[0] == "bn2") return last + "1." + parts[1];
  }
  if (parts.size() < 5 || parts[0] != "blocks") return name;
  const std::string block = "blocks." + parts[1] + "." + parts[2] + ".";
  const std::string part = torchvision_part(parts[parts.size() - 2],
                                            state.contains(block + "conv_pwl.weight"), mobilenet);
  const int stage = std::stoi(parts[1]);
  if (!mobilenet) {
    return "features." + std::to_string(stage + 1) + "." + parts[2] + ".block." + part + "." +
           parts.back();
  }
  int number = 1 + std::stoi(parts[2]);  // torchvision counts the blocks of all stages through
  for (int before = 0; before < stage; ++before) {
    const std::string its = "blocks." + std::to_string(before) + ".";
    for (int i = 0; state.contains(its + std::to_string(i) + ".conv_dw.weight"); ++i) ++number;
  }
  return "features." + std::to_string(number) + ".conv." + part + "." + parts.back();
}

/// `state` with torchvision's names.
TensorMap with_torchvision_names(const TensorMap& state, const std::string& architecture) {
  if (!state.contains("conv_stem.weight")) return state;
  TensorMap renamed;
  for (const auto& [name, tensor] : state) {
    renamed.emplace(torchvision_name(name, state, architecture.starts_with("mobilenet")), tensor);
  }
  return renamed;
}

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
      complaints_.insert(complaints_.begin(),
                         text.str());  // says more than what is missing
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

/// On one line, at most ten of them.
std::string list(const std::vector<std::string>& complaints) {
  std::string text;
  const std::size_t shown = std::min<std::size_t>(complaints.size(), 10);
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? " " : "; ") + complaints[i];
  if (shown < complaints.size())
    text += "; and " + std::to_string(complaints.size() - shown) + " more";
  return text;
}

}  // namespace

Expected<ImportedEncoder> import_encoder(const TensorMap& state, const std::string& architecture,
                                         double epsilon) {
  return guard(Errc::invalid_config, "import", [&] {
    ImportedEncoder made;
    const TensorMap renamed = with_torchvision_names(state, architecture);
    Reader reader(renamed);
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
        const torch::Tensor scale =
            gain.to(torch::kFloat64) / (variance.to(torch::kFloat64) + epsilon).sqrt();
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

Expected<TensorMap> load_state_dict(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::model_failure, path + ": cannot be opened");
  std::string start(4, '\0');
  file.read(start.data(), 4);
  if (start != "PK\3\4") {
    if (!path.ends_with(".pth") && !path.ends_with(".pt")) return load_tensors(path);
    return fail(Errc::model_failure, path +
                                         ": not a zip file, so PyTorch before "
                                         "1.6 wrote it; load and save it again "
                                         "with a newer one");
  }
  return guard(Errc::model_failure, path, [&] { return read_state_dict_pickle(path); });
}

}  // namespace photoscribe
