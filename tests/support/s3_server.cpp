#include "tests/support/s3_server.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ctime>
#include <sstream>

namespace photoscribe::test {
namespace {

std::string hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string sha256(const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<char*>(digest), size};
}

std::string hmac(const std::string& key, const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return {reinterpret_cast<char*>(digest), size};
}

/// "a=1, b=2" -> its parts.
std::map<std::string, std::string> parts_of(const std::string& text, char separator) {
  std::map<std::string, std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) {
    part.erase(0, part.find_first_not_of(' '));
    const auto equals = part.find('=');
    parts[part.substr(0, equals)] = equals == part.npos ? "" : part.substr(equals + 1);
  }
  return parts;
}

std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string escaped(const std::string& text) {  // encoding-type=url
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) ||
        std::string("-_.*/").find(c) != std::string::npos)
      out += c;
    else
      out += c == ' ' ? "+" : "%" + hex(std::string(1, c));
  }
  return out;
}

Answer error(int status, const std::string& code) {
  return {status,
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code +
              "</Code><Message>of the test</Message></Error>",
          {{"Content-Type", "application/xml"}}};
}

}  // namespace

S3Server::S3Server(S3Keys keys, int page_keys)
    : keys_(std::move(keys)),
      page_keys_(page_keys),
      server_([this](const Asked& asked) { return answer(asked); }) {}

void S3Server::put(const std::string& key, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  Object& object = objects_[key];
  if (!object.bytes.empty()) object.modified_s += 60;
  object.bytes = bytes;
}

void S3Server::remove(const std::string& key) {
  const std::lock_guard lock(mutex_);
  objects_.erase(key);
}

std::map<std::string, std::string> S3Server::environment() const {
  std::map<std::string, std::string> all{{"AWS_ACCESS_KEY_ID", keys_.access_key},
                                         {"AWS_SECRET_ACCESS_KEY", keys_.secret_key},
                                         {"AWS_REGION", keys_.region},
                                         {"AWS_ENDPOINT_URL", endpoint()}};
  if (!keys_.session_token.empty()) all["AWS_SESSION_TOKEN"] = keys_.session_token;
  return all;
}

// "Authenticating Requests: Using the Authorization Header", Amazon S3 API reference.
bool S3Server::is_signed(const Asked& asked) const {
  const auto at = asked.headers.find("authorization");
  const std::string scheme = "AWS4-HMAC-SHA256 ";
  if (at == asked.headers.end() || !at->second.starts_with(scheme)) return false;
  const auto fields = parts_of(at->second.substr(scheme.size()), ',');
  const auto field = [&](const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  };
  const auto header = [&](const std::string& name) {
    const auto found = asked.headers.find(name);
    return found == asked.headers.end() ? std::string() : found->second;
  };
  const std::string date = header("x-amz-date");
  const std::string scope = date.substr(0, 8) + "/" + keys_.region + "/s3/aws4_request";
  if (field("Credential") != keys_.access_key + "/" + scope) return false;
  if (header("x-amz-security-token") != keys_.session_token) return false;
  const auto question = asked.target.find('?');
  std::string canonical = asked.method + "\n" + asked.target.substr(0, question) + "\n" +
                          (question == std::string::npos ? "" : asked.target.substr(question + 1)) +
                          "\n";
  std::istringstream names(field("SignedHeaders"));
  bool has_host = false;
  for (std::string name; std::getline(names, name, ';');) {
    canonical += name + ":" + header(name) + "\n";
    has_host = has_host || name == "host";
  }
  if (!has_host) return false;
  canonical += "\n" + field("SignedHeaders") + "\n" + header("x-amz-content-sha256");
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hex(sha256(canonical));
  std::string key = hmac("AWS4" + keys_.secret_key, date.substr(0, 8));
  for (const std::string& part : {keys_.region, std::string("s3"), std::string("aws4_request")})
    key = hmac(key, part);
  return hex(hmac(key, to_sign)) == field("Signature");
}

Answer S3Server::answer(const Asked& asked) {
  const std::lock_guard lock(mutex_);
  if (!error_.empty()) return error(400, error_);
  if (!public_ && !is_signed(asked)) return error(403, "SignatureDoesNotMatch");
  const auto question = asked.target.find('?');
  const std::string path = unescaped(asked.target.substr(0, question));
  const std::string bucket = std::string("/") + kBucket;
  if (!path.starts_with(bucket + "/")) return error(404, "NoSuchBucket");
  if (question != std::string::npos && path == bucket + "/")
    return list(parts_of(asked.target.substr(question + 1), '&'));
  const auto object = objects_.find(path.substr(bucket.size() + 1));
  if (object == objects_.end()) return error(404, "NoSuchKey");
  return {200, object->second.bytes, {{"ETag", "\"" + hex(sha256(object->second.bytes)) + "\""}}};
}

Answer S3Server::list(const std::map<std::string, std::string>& query) {
  const auto value = [&](const char* name) {
    const auto found = query.find(name);
    return found == query.end() ? std::string() : unescaped(found->second);
  };
  if (value("list-type") != "2") return error(400, "InvalidArgument");
  ++pages_;
  const std::string prefix = value("prefix"), after = value("continuation-token");
  const int most = std::min(page_keys_, std::stoi(value("max-keys")));
  std::string contents, last;
  int count = 0;
  bool more = false;
  for (const auto& [key, object] : objects_) {
    if (!key.starts_with(prefix) || (!after.empty() && hex(key) <= after.substr(2))) continue;
    if (count == most) {
      more = true;
      break;
    }
    char modified[40];
    const std::time_t seconds = object.modified_s;
    std::strftime(modified, sizeof modified, "%Y-%m-%dT%H:%M:%S.000Z", std::gmtime(&seconds));
    contents += "<Contents><Key>" + escaped(key) + "</Key><LastModified>" + modified +
                "</LastModified><Size>" + std::to_string(object.bytes.size()) +
                "</Size><StorageClass>STANDARD</StorageClass></Contents>";
    last = key;
    ++count;
  }
  return {200,
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
          "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><EncodingType>url</EncodingType>"
          "<IsTruncated>" +
              std::string(more ? "true" : "false") + "</IsTruncated>" +
              (more ? "<NextContinuationToken>1/" + hex(last) + "</NextContinuationToken>" : "") +
              contents + "</ListBucketResult>",
          {{"Content-Type", "application/xml"}}};
}

}  // namespace photoscribe::test
