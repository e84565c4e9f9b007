// tl::expected for machines without libexpected-dev: the standard's own, which models/ needs no
// more of. Only ops/gpu/CMakeLists.txt puts this folder on the include path, and only when the
// package is absent.
#pragma once

#include <expected>

namespace tl {
template <class T, class E>
using expected = std::expected<T, E>;
template <class E>
using unexpected = std::unexpected<E>;
}  // namespace tl
