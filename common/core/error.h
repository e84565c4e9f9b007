// error: how a function says that it could not, and whether trying again can help.
//
// Expected<T> is tl::expected: a value or an Error. Errors of a photo are results, not Errors
// (types.h); an Error is about the program's surroundings. Exceptions come only from libraries and
// end at guard() (style.md 3).
#pragma once

#include <exception>
#include <new>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace photoscribe {

enum class Errc {
  usage,           // permanent: the command line is wrong
  invalid_config,  // permanent: a file must be edited
  bad_payload,     // permanent: bytes that we cannot parse
  model_failure,   // permanent: LibTorch rejected this input, or the model's folder is not usable
  device_memory,   // the device ran out of memory: a smaller batch may pass
  redis_unavailable,  // transient: connection lost, LOADING, OOM, READONLY …: back off, try again
  redis_refused,      // permanent: the server answered with an error that waiting does not mend
  run_gone,           // the run's keys are not in Redis (NOGROUP, NOMKSTREAM nil, no spec)
  store_busy,         // transient: SQLITE_BUSY or SQLITE_LOCKED
  store_full,         // transient for a person: no space left on the database's disk
  store_locked,       // another process writes this database (its scheduler's lock file)
  store_failure,      // permanent: any other SQLite error
  environment,  // the machine's fault, not the photo's: EIO, ESTALE, EMFILE, a root that is absent
                // …
  cancelled,    // asked to stop
  internal,     // a bug that could be reported instead of ending the process
};

[[nodiscard]] constexpr bool is_transient(Errc code) noexcept {
  return code == Errc::redis_unavailable || code == Errc::store_busy;
}

struct Error {
  Errc code = Errc::internal;
  std::string
      message;  // "<operation>: <detail>", no newline; what, where and, for a person, what to do
};

template <class T>
using Expected = tl::expected<T, Error>;
using Status = Expected<void>;

/// `return fail(Errc::bad_payload, "task: no id");`
[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}
/// Passes an error on: `if (!x) return fail(x.error());`
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

/// Runs `fn` and turns anything it throws into `code`. bad_alloc passes through: it is never a
/// property of one photo.
template <class Fn>
auto guard(Errc code, const std::string& operation, Fn&& fn) -> Expected<decltype(fn())> {
  try {
    if constexpr (std::is_void_v<decltype(fn())>) {
      std::forward<Fn>(fn)();
      return {};
    } else {
      return std::forward<Fn>(fn)();
    }
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    std::string text = e.what();
    if (const auto end = text.find('\n'); end != std::string::npos) text.resize(end);
    return fail(code, operation + ": " + text);
  }
}

}  // namespace photoscribe
