#include "common/remote/credentials.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "common/core/file_descriptor.h"
#include "common/remote/photo_url.h"

namespace photoscribe {
namespace {

constexpr std::size_t kFileMax = 1 << 20;

std::string from_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string first_of(const char* name, const char* other, const char* otherwise = "") {
  std::string value = from_environment(name);
  if (value.empty()) value = from_environment(other);
  return value.empty() ? otherwise : value;
}

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(" \t\r");
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

/// Empty: it is not there.
Expected<std::string> read_private_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid() && errno == ENOENT) return std::string();
  struct stat info = {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0)
    return fail(Errc::usage, path + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return fail(Errc::usage, path + ": is not a file of credentials");
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(Errc::usage, path + ": other users can read these credentials; chmod 600 " + path);
  }
  std::string text(kFileMax, '\0');
  std::size_t have = 0;
  for (ssize_t got = 1; got > 0 && have < kFileMax; have += static_cast<std::size_t>(got)) {
    got = ::read(file.get(), text.data() + have, kFileMax - have);
    if (got < 0) return fail(Errc::usage, path + ": " + std::strerror(errno));
  }
  text.resize(have);
  return text;
}

Expected<std::optional<Signing>> keys_of(const std::string& named) {
  const std::string key = from_environment("AWS_ACCESS_KEY_ID");
  if (named.empty() && !key.empty()) {
    Signing sign;
    sign.access_key = key;
    sign.secret_key = from_environment("AWS_SECRET_ACCESS_KEY");
    sign.session_token = from_environment("AWS_SESSION_TOKEN");
    if (sign.secret_key.empty())
      return fail(Errc::usage, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
    return sign;
  }
  std::string file = named.empty() ? from_environment("AWS_SHARED_CREDENTIALS_FILE") : named;
  const bool wanted = !file.empty();
  if (!wanted) file = from_environment("HOME") + "/.aws/credentials";
  const Expected<std::string> text = read_private_file(file);
  if (!text) return fail(text.error());
  if (text->empty()) {
    if (wanted) return fail(Errc::usage, file + ": there are no credentials in it");
    return std::optional<Signing>();
  }
  Expected<Signing> sign =
      parse_credentials(*text, first_of("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "default"));
  if (sign) return *sign;
  if (!wanted && from_environment("AWS_PROFILE").empty()) return std::optional<Signing>();
  return fail(Errc::usage, file + ": " + sign.error().message);
}

}  // namespace

Expected<Signing> parse_credentials(const std::string& text, const std::string& profile) {
  Signing sign;
  bool here = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      here = trimmed(line.substr(1, line.find(']') - 1)) == profile;
      continue;
    }
    const auto equals = line.find('=');
    if (!here || equals == std::string::npos) continue;
    const std::string name = trimmed(line.substr(0, equals));
    const std::string value = trimmed(line.substr(equals + 1));
    if (name == "aws_access_key_id") sign.access_key = value;
    if (name == "aws_secret_access_key") sign.secret_key = value;
    if (name == "aws_session_token") sign.session_token = value;
  }
  if (sign.access_key.empty() || sign.secret_key.empty()) {
    return fail(Errc::invalid_config,
                "[" + profile + "] with aws_access_key_id and aws_secret_access_key is not in it");
  }
  return sign;
}

Expected<S3Account> find_s3_account(const std::string& file) {
  S3Account account;
  account.region = first_of("AWS_REGION", "AWS_DEFAULT_REGION", "us-east-1");
  account.endpoint = first_of("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  while (account.endpoint.ends_with('/')) account.endpoint.pop_back();
  if (!account.endpoint.empty()) {
    const Expected<PhotoUrl> url = parse_photo_url(account.endpoint);
    if (!url || is_s3(account.endpoint)) {
      return fail(Errc::usage,
                  "AWS_ENDPOINT_URL: " + (url ? "not http(s)://HOST[:PORT]" : url.error().message));
    }
  }
  Expected<std::optional<Signing>> sign = keys_of(file);
  if (!sign) return fail(sign.error());
  account.sign = std::move(*sign);
  if (account.sign) account.sign->region = account.region;
  return account;
}

}  // namespace photoscribe
