#include "tests/support/certificate.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace photoscribe::test {

Certificate make_certificate(const TempDir& folder) {
  const Certificate made{folder.file("key.pem"), folder.file("cert.pem")};
  const std::string log = folder.file("openssl.log");
  const pid_t child = ::fork();
  if (child == 0) {
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execlp("openssl", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-keyout", made.key_file.c_str(), "-out",
             made.certificate_file.c_str(), nullptr);
    ::_exit(127);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  if (status == 0) return made;
  std::ifstream said(log);
  throw std::runtime_error("openssl made no certificate: " +
                           std::string(std::istreambuf_iterator<char>(said), {}));
}

}  // namespace photoscribe::test
