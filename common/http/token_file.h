// token_file: the secret that who asks from another machine must know, in a file that only its
// owner may read.
#pragma once

#include <string>

#include "common/core/error.h"

namespace photoscribe::http {

/// Bytes of a token: printable ones, at least 16, without the newline at the file's end. Fails with
/// usage when others may read the file; messages begin with --token-file.
[[nodiscard]] Expected<std::string> read_token(const std::string& file);

}  // namespace photoscribe::http
