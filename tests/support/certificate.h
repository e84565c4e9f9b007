// certificate: a self-signed certificate for one test's server.
#pragma once

#include <string>

#include "tests/support/temp_dir.h"

namespace photoscribe::test {

struct Certificate {
  std::string key_file, certificate_file;  // PEM
};

/// For the name localhost, made by openssl in `folder`. Throws when that fails.
[[nodiscard]] Certificate make_certificate(const TempDir& folder);

}  // namespace photoscribe::test
