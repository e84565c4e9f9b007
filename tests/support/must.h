// must: what a test or a benchmark cannot go on without.
#pragma once

#include <stdexcept>
#include <type_traits>
#include <utility>

#include "common/core/error.h"

namespace photoscribe::test {

/// Throws std::runtime_error with the error's message.
template <class T>
T must(Expected<T> value) {
  if (!value) throw std::runtime_error(value.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*value);
}

}  // namespace photoscribe::test
