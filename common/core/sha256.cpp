#include "common/core/sha256.h"

#include <openssl/evp.h>

namespace photoscribe {
namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

/// Looked for once: EVP_sha256() is looked for anew at every hash, under a lock.
const EVP_MD* sha256() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

}  // namespace

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, Free> evp{EVP_MD_CTX_new()};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  EVP_DigestInit_ex(context_->evp.get(), sha256(), nullptr);
}

Sha256::~Sha256() = default;

void Sha256::add(const void* data, std::size_t size) {
  EVP_DigestUpdate(context_->evp.get(), data, size);
}

ContentHash Sha256::digest() {
  ContentHash hash{};
  EVP_DigestFinal_ex(context_->evp.get(), hash.data(), nullptr);
  return hash;
}

ContentHash sha256_of(const void* data, std::size_t size) {
  Sha256 hash;
  hash.add(data, size);
  return hash.digest();
}

std::string_view bytes_of(const ContentHash& hash) noexcept {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::string to_hex(const ContentHash& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * hash.size());
  for (const std::uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace photoscribe
