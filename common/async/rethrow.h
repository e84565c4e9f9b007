// rethrow: the completion handler of every coroutine whose result nobody waits for (style.md 5).
#pragma once

#include <exception>

namespace photoscribe {

/// What a coroutine throws is a bug: it leaves through io_context::run().
inline void rethrow(const std::exception_ptr& thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace photoscribe
