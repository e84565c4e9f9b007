#include "models/train/average.h"

#include <ATen/ATen.h>

#include <sstream>

namespace photoscribe {
namespace {

/// Why `one` cannot be added to `sum`; empty: it can.
std::string misfit(const TensorMap& sum, const TensorMap& one) {
  for (const auto& [name, tensor] : one)
    if (!sum.contains(name)) return "has " + name + ", which the first does not have";
  for (const auto& [name, tensor] : sum) {
    const auto found = one.find(name);
    if (found == one.end()) return "has no " + name + ", which the first has";
    if (found->second.sizes() == tensor.sizes()) continue;
    std::ostringstream text;
    text << name << " is " << found->second.sizes() << ", in the first " << tensor.sizes();
    return text.str();
  }
  return "";
}

}  // namespace

Expected<TensorMap> average_weights(const std::vector<std::string>& files) {
  TensorMap sum;
  for (const std::string& file : files) {
    const auto tensors = load_tensors(file);
    if (!tensors) return fail(tensors.error());
    if (sum.empty()) {
      for (const auto& [name, tensor] : *tensors) sum.emplace(name, tensor.to(torch::kFloat64));
      continue;
    }
    if (const std::string why = misfit(sum, *tensors); !why.empty())
      return fail(Errc::invalid_config, file + ": " + why);
    for (auto& [name, tensor] : sum) tensor += tensors->at(name);
  }
  const auto count = static_cast<double>(files.size());
  for (auto& [name, tensor] : sum) tensor = (tensor / count).to(torch::kFloat32);
  return sum;
}

}  // namespace photoscribe
