#include "models/train/import/import.h"

#include <ATen/ATen.h>

#include <charconv>
#include <optional>
#include <sstream>

#include "models/encoder/encoder.h"
#include "models/train/import/state_arrays.h"

namespace photoscribe {
namespace {

std::vector<std::string> split_dots(const std::string& name) {
  std::vector<std::string> parts;
  std::istringstream fields(name);
  for (std::string part; std::getline(fields, part, '.');) parts.push_back(part);
  return parts;
}

/// Where torchvision keeps what timm calls `part` of a fused block, which has no depthwise
/// convolution.
std::string torchvision_fused_part(const std::string& part) {
  if (part == "conv" || part == "conv_exp") return "0.0";
  if (part == "bn1") return "0.1";
  if (part == "conv_pwl") return "1.0";
  if (part == "bn2") return "1.1";
  return part;
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

std::optional<int> number_of(const std::string& text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || behind != end || number < 0) return std::nullopt;
  return number;
}

/// timm's name of a parameter of MobileNetV2 or EfficientNet as torchvision's; others unchanged.
/// timm: conv_stem, bn1, blocks.STAGE.BLOCK.{conv_pw, bn1, conv_dw, bn2, se, conv_pwl, bn3}
/// (without an expansion {conv_dw, bn1, se, conv_pw, bn2}; fused {conv_exp, bn1, conv_pwl, bn2} or
/// {conv, bn1}), conv_head, bn2. `last`: of the layers in front of the pooling, torchvision's.
std::string torchvision_name(const std::string& name, const TensorMap& state, bool mobilenet,
                             const std::string& last) {
  const std::vector<std::string> parts = split_dots(name);
  if (parts.size() == 2) {
    if (parts[0] == "conv_stem") return "features.0.0." + parts[1];
    if (parts[0] == "bn1") return "features.0.1." + parts[1];
    if (parts[0] == "conv_head") return last + "0." + parts[1];
    if (parts[0] == "bn2") return last + "1." + parts[1];
  }
  if (parts.size() < 5 || parts[0] != "blocks") return name;
  const std::string block = "blocks." + parts[1] + "." + parts[2] + ".";
  const bool fused = !state.contains(block + "conv_dw.weight");
  const std::string& timms = parts[parts.size() - 2];
  const std::string part =
      fused ? torchvision_fused_part(timms)
            : torchvision_part(timms, state.contains(block + "conv_pwl.weight"), mobilenet);
  const std::optional<int> stage = number_of(parts[1]), inner = number_of(parts[2]);
  if (!stage || !inner) return name;  // reported as left over
  if (!mobilenet) {
    return "features." + std::to_string(*stage + 1) + "." + parts[2] + ".block." + part + "." +
           parts.back();
  }
  int number = 1 + *inner;  // torchvision counts the blocks of all stages through
  for (int before = 0; before < *stage; ++before) {
    const std::string its = "blocks." + std::to_string(before) + ".";
    for (int i = 0; state.contains(its + std::to_string(i) + ".conv_dw.weight"); ++i) ++number;
  }
  return "features." + std::to_string(number) + ".conv." + part + "." + parts.back();
}

/// `state` with torchvision's names.
TensorMap with_torchvision_names(const TensorMap& state, const std::string& architecture) {
  if (!state.contains("conv_stem.weight")) return state;
  const bool mobilenet = architecture.starts_with("mobilenet");
  const std::string trunk = architecture.substr(0, architecture.find('@'));
  const std::string top = encoder_layers(trunk).back().name;  // "features.18.0"
  const std::string last = top.substr(0, top.rfind('.') + 1);
  TensorMap renamed;
  for (const auto& [name, tensor] : state)
    renamed.emplace(torchvision_name(name, state, mobilenet, last), tensor);
  return renamed;
}

}  // namespace

ImportedEncoder fold_encoder(StateArrays& arrays, const std::string& architecture, double epsilon,
                             const SourceName& source) {
  ImportedEncoder made;
  for (const EncoderLayer& layer : encoder_layers(architecture)) {
    if (layer.kind != LayerKind::convolution) continue;
    const std::string own = source(layer.name), norm = source(layer.norm);
    torch::Tensor weight = arrays.get(own + ".weight", weight_shape(layer)), bias;
    const bool folded =
        layer.norm.empty() || (arrays.has(own + ".bias") && !arrays.has(norm + ".running_mean"));
    if (folded) {
      bias = arrays.get(own + ".bias", {layer.out});
    } else {
      const torch::Tensor gain = arrays.get(norm + ".weight", {layer.out}),
                          shift = arrays.get(norm + ".bias", {layer.out}),
                          mean = arrays.get(norm + ".running_mean", {layer.out}),
                          variance = arrays.get(norm + ".running_var", {layer.out});
      const torch::Tensor scale =
          gain.to(torch::kFloat64) / (variance.to(torch::kFloat64) + epsilon).sqrt();
      weight = (weight * scale.view({-1, 1, 1, 1})).to(torch::kFloat32);
      bias = (shift - mean * scale).to(torch::kFloat32);
      ++made.folded;
    }
    made.tensors.emplace(layer.name + ".weight", weight);
    made.tensors.emplace(layer.name + ".bias", bias);
  }
  return made;
}

Expected<ImportedEncoder> import_encoder(const TensorMap& state, const std::string& architecture,
                                         double epsilon) {
  return guard(Errc::invalid_config, "import", [&] {
    const TensorMap renamed = with_torchvision_names(state, architecture);
    StateArrays arrays(renamed);
    ImportedEncoder made =
        fold_encoder(arrays, architecture, epsilon, [](const std::string& name) { return name; });
    arrays.check("the arrays are not those of " + architecture);
    made.left_over = arrays.left_over();
    return made;
  });
}

}  // namespace photoscribe
