#include "models/train/import/state_arrays.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace photoscribe {

std::int64_t StateArrays::extent(const std::string& name, std::size_t axis) const {
  const auto found = state_.find(name);
  if (found == state_.end()) throw std::runtime_error(name + " is missing");
  if (axis >= found->second.sizes().size())
    throw std::runtime_error(name + " has " + std::to_string(found->second.dim()) + " axes");
  return found->second.size(static_cast<std::int64_t>(axis));
}

torch::Tensor StateArrays::get(const std::string& name, const std::vector<std::int64_t>& shape) {
  used_.insert(name);
  const auto found = state_.find(name);
  if (found == state_.end()) {
    problems_.push_back(name + " is missing");
  } else if (found->second.sizes() != c10::IntArrayRef(shape)) {
    std::ostringstream text;
    text << name << " has the shape " << found->second.sizes() << ", not "
         << c10::IntArrayRef(shape);
    // This says more than what is missing.
    problems_.insert(problems_.begin(), text.str());
  } else {
    return found->second.to(torch::kFloat32).contiguous();
  }
  return at::zeros({1}).expand(shape);
}

void StateArrays::check(const std::string& what) const {
  if (problems_.empty()) return;
  std::string text;
  const std::size_t shown = std::min<std::size_t>(problems_.size(), 10);
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? " " : "; ") + problems_[i];
  if (shown < problems_.size())
    text += "; and " + std::to_string(problems_.size() - shown) + " more";
  throw std::runtime_error(what + ":" + text);
}

std::vector<std::string> StateArrays::left_over() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state_)
    if (!used_.contains(name)) names.push_back(name);
  return names;
}

}  // namespace photoscribe
