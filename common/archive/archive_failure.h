// archive_failure: why an archive, or a member of it, cannot be read.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "common/core/types.h"

namespace photoscribe {

struct ArchiveFailure {
  int error = 0;  // errno of a read that failed; 0: the bytes are there, and at fault
  Reason reason = Reason::truncated;  // without `error`
  std::string what;                   // one line for a person
};
template <class T>
using FromArchive = tl::expected<T, ArchiveFailure>;

inline tl::unexpected<ArchiveFailure> archive_damaged(std::string what) {
  return tl::unexpected(ArchiveFailure{0, Reason::truncated, std::move(what)});
}
inline tl::unexpected<ArchiveFailure> archive_refused(Reason reason, std::string what) {
  return tl::unexpected(ArchiveFailure{0, reason, std::move(what)});
}
inline tl::unexpected<ArchiveFailure> archive_unread(int error, std::string what) {
  return tl::unexpected(ArchiveFailure{error, Reason::unreadable, std::move(what)});
}

}  // namespace photoscribe
