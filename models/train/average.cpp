#include "models/train/average.h"

#include <ATen/ATen.h>

#include <sstream>
#include <utility>

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

Expected<Weights> average_weights(const std::vector<std::string>& files) {
  Weights mean;
  TensorMap& sum = mean.tensors;
  for (const std::string& file : files) {
    auto weights = load_weights(file);
    if (!weights) return fail(weights.error());
    if (sum.empty()) {
      mean.words = std::move(weights->words);
      for (const auto& [name, tensor] : weights->tensors)
        sum.emplace(name, tensor.to(torch::kFloat64));
      continue;
    }
    if (const std::string why = misfit(sum, weights->tensors); !why.empty())
      return fail(Errc::invalid_config, file + ": " + why);
    if (weights->words != mean.words)
      return fail(Errc::invalid_config, file + ": has other words than the first");
    for (auto& [name, tensor] : sum) tensor += weights->tensors.at(name);
  }
  const auto count = static_cast<double>(files.size());
  for (auto& [name, tensor] : sum) tensor = (tensor / count).to(torch::kFloat32);
  return mean;
}

}  // namespace photoscribe
