#include "common/http/token_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "common/text/safe_text.h"

namespace photoscribe::http {
namespace {

constexpr std::size_t kTokenBytesMin = 16, kTokenBytesMax = 1024;

}  // namespace

Expected<std::string> read_token(const std::string& file) {
  struct ::stat info {};
  std::ifstream in(file, std::ios::binary);
  if (!in || ::stat(file.c_str(), &info) != 0) {
    return fail(Errc::usage, "--token-file " + shown(file) + ": " + std::strerror(errno));
  }
  if (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0) {
    return fail(Errc::usage, "--token-file " + shown(file) +
                                 ": others may read it; chmod 600 it, and use a new token");
  }
  std::string token(kTokenBytesMax + 1, '\0');
  in.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<std::size_t>(in.gcount()));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (token.size() < kTokenBytesMin || token.size() > kTokenBytesMax || !printable) {
    return fail(Errc::usage, "--token-file " + shown(file) +
                                 ": a token is 16 to 1024 printable characters on one line, such "
                                 "as those of: openssl rand -hex 24");
  }
  return token;
}

}  // namespace photoscribe::http
