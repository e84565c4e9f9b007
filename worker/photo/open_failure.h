// open_failure: whose fault it is that a photo cannot be opened or read. Private to worker/.
#pragma once

#include <string>
#include <system_error>
#include <utility>

#include "worker/photo/open_beneath.h"

namespace photoscribe {

inline std::string text_of(int error) { return std::generic_category().message(error); }

inline tl::unexpected<OpenFailure> refuse(Reason reason, std::string detail) {
  OpenFailure failure;
  failure.reason = reason;
  failure.detail = std::move(detail);
  return tl::unexpected(std::move(failure));
}

inline tl::unexpected<OpenFailure> blame_machine(FaultOf of, std::string detail) {
  OpenFailure failure;
  failure.environment = true;
  failure.of = of;
  failure.detail = std::move(detail);
  return tl::unexpected(std::move(failure));
}

}  // namespace photoscribe
