// state_arrays: the arrays of a state dict, taken one by one, recording which were taken and what
// was wrong with them. Private to models/train.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "models/format/tensors.h"

namespace photoscribe {

class StateArrays {
 public:
  /// `state` must outlive this.
  explicit StateArrays(const TensorMap& state) : state_(state) {}

  [[nodiscard]] bool has(const std::string& name) const { return state_.contains(name); }
  /// The extent of axis `axis` of `name`. Throws std::runtime_error when there is no such array or
  /// axis.
  [[nodiscard]] std::int64_t extent(const std::string& name, std::size_t axis) const;

  /// The array as contiguous float32. Zeros of that shape when it is missing or has another shape;
  /// check() then says so.
  torch::Tensor get(const std::string& name, const std::vector<std::int64_t>& shape);
  /// Adds a problem found by the caller.
  void add_problem(std::string text) { problems_.push_back(std::move(text)); }

  /// Throws std::runtime_error "WHAT: problems" if there are any, listing at most ten.
  void check(const std::string& what) const;
  /// Names that were not taken.
  [[nodiscard]] std::vector<std::string> left_over() const;

 private:
  const TensorMap& state_;
  std::set<std::string> used_;
  std::vector<std::string> problems_;
};

}  // namespace photoscribe
