#include "models/train/loss/adam.h"

#include <ATen/ATen.h>

#include <cmath>

#include "models/decoder/kernels.h"

namespace photoscribe {

Adam::Adam(TensorMap parameters, const AdamSettings& settings)
    : parameters_(std::move(parameters)), settings_(settings) {
  for (const auto& [name, parameter] : parameters_) {
    first_.emplace(name, at::zeros_like(parameter));
    second_.emplace(name, at::zeros_like(parameter));
  }
}

double Adam::step(double rate) {
  const torch::NoGradGuard no_grad;
  double sum = 0;
  for (const auto& item : parameters_) {
    const torch::Tensor& gradient = item.second.grad();
    if (gradient.defined()) sum += gradient.square().sum(torch::kFloat64).item<double>();
  }
  const double norm = std::sqrt(sum);
  if (!std::isfinite(norm)) {
    for (const auto& item : parameters_) item.second.mutable_grad().reset();
    return norm;
  }
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const double clip = settings_.clip_norm;
  AdamUpdate update;
  update.scale = static_cast<float>(clip > 0 && norm > clip ? clip / norm : 1);
  update.beta1 = static_cast<float>(settings_.beta1);
  update.beta2 = static_cast<float>(settings_.beta2);
  update.unbias2 = static_cast<float>(1 / (1 - std::pow(settings_.beta2, t)));
  update.epsilon = static_cast<float>(settings_.epsilon);
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter.grad().defined()) continue;
    const torch::Tensor gradient = parameter.grad().contiguous();
    const double own = name.starts_with(settings_.slow) ? rate * settings_.slow_share : rate;
    update.rate = static_cast<float>(own / (1 - std::pow(settings_.beta1, t)));
    update.decay = parameter.dim() > 1 ? static_cast<float>(own * settings_.weight_decay) : 0.0F;
    adam_update(update, parameter.numel(), gradient.data_ptr<float>(),
                first_.at(name).data_ptr<float>(), second_.at(name).data_ptr<float>(),
                parameter.data_ptr<float>());
    parameter.mutable_grad().reset();
  }
  return norm;
}

TensorMap Adam::state() const {
  TensorMap all{{"adam.t", at::tensor(steps_, torch::kInt64)}};
  for (const auto& [name, tensor] : first_) all.emplace("adam.m." + name, tensor);
  for (const auto& [name, tensor] : second_) all.emplace("adam.v." + name, tensor);
  return all;
}

void Adam::restore(const TensorMap& state) {
  steps_ = take(state, "adam.t", {1}).item<std::int64_t>();
  for (auto& [name, tensor] : first_) tensor.copy_(take(state, "adam.m." + name, tensor.sizes()));
  for (auto& [name, tensor] : second_) tensor.copy_(take(state, "adam.v." + name, tensor.sizes()));
}

}  // namespace photoscribe
