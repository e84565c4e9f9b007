#include "tests/support/certificate.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace photoscribe::test {

Certificate make_certificate(const TempDir& folder) {
  const Certificate made{folder.file("key.pem"), folder.file("cert.pem")};
  const std::string log = folder.file("openssl.log");
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout '" +
      made.key_file + "' -out '" + made.certificate_file + "' > '" + log + "' 2>&1";
  if (std::system(command.c_str()) == 0) return made;
  std::ifstream said(log);
  throw std::runtime_error("openssl made no certificate: " +
                           std::string(std::istreambuf_iterator<char>(said), {}));
}

}  // namespace photoscribe::test
