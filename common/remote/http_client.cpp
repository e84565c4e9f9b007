#include "common/remote/http_client.h"

#include <curl/curl.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace photoscribe {
namespace {

constexpr long kRedirectsMax = 5;
constexpr long kSlowBytesPerS = 1'024;
constexpr std::size_t kErrorBodyMax = 4'096;

/// What one request knows while it runs.
struct Transfer {
  const HttpRequest& request;
  AddressRule rule;  // none: every address may be asked
  std::vector<std::uint8_t>& body;
  CURL* handle;
  std::size_t size = 0;
  std::string error_body{};
  bool too_large = false;
  std::string not_public{};  // an address that was not connected to, and why
  bool tried_public = false;
  int socket_error = 0;                    // errno
  bool was_tls = false, lost_tls = false;  // of the requests so far; then a redirect away from it
};

long status_of(CURL* handle) {
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

bool make_room(Transfer& transfer, std::size_t more) {
  const std::size_t wanted = transfer.size + more;
  if (wanted > static_cast<std::size_t>(transfer.request.bytes_max)) return false;
  if (wanted <= transfer.body.size()) return true;
  curl_off_t told = -1;
  curl_easy_getinfo(transfer.handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &told);
  // MAXFILESIZE has looked at what is told.
  const auto whole = told > 0 ? static_cast<std::size_t>(told) : std::size_t{0};
  transfer.body.resize(std::max({wanted, whole, transfer.body.size() + transfer.body.size() / 2}));
  return true;
}

// Exceptions must not pass through C.
std::size_t on_bytes(char* bytes, std::size_t one, std::size_t count, void* context) try {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::size_t got = one * count;
  if (status_of(transfer.handle) != 200) {
    transfer.error_body.append(bytes, std::min(got, kErrorBodyMax - transfer.error_body.size()));
    return got;
  }
  if (!make_room(transfer, got)) {
    transfer.too_large = true;
    return 0;
  }
  std::memcpy(transfer.body.data() + transfer.size, bytes, got);
  transfer.size += got;
  return got;
} catch (const std::bad_alloc&) {
  static_cast<Transfer*>(context)->socket_error = ENOMEM;
  return 0;
}

// Sees the address that is really connected to: after DNS, and at every redirect.
curl_socket_t on_socket(void* context, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view what =
      transfer.rule == nullptr ? std::string_view() : transfer.rule(address->addr);
  if (!what.empty()) {
    transfer.not_public = text_of(address->addr) + " (" + std::string(what) + ")";
    return CURL_SOCKET_BAD;
  }
  transfer.tried_public = true;
  const int opened = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (opened < 0) transfer.socket_error = errno;
  return opened;
}

// Before each request of a chain of redirects.
int on_request(void* context, char* /*from*/, char* /*to*/, int /*port*/, int /*own*/) {
  auto& transfer = *static_cast<Transfer*>(context);
  const char* scheme = nullptr;
  curl_easy_getinfo(transfer.handle, CURLINFO_SCHEME, &scheme);
  const bool tls = scheme != nullptr && (scheme[0] == 'h' || scheme[0] == 'H') &&
                   std::string_view(scheme).size() == 5;
  transfer.lost_tls = transfer.was_tls && !tls;
  transfer.was_tls = tls;
  return transfer.lost_tls ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/// curl has one word for both.
FetchError why_no_address(CURL* handle) {
  const char* url = nullptr;
  curl_easy_getinfo(handle, CURLINFO_EFFECTIVE_URL, &url);
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  char* host = nullptr;
  if (url == nullptr || curl_url_set(parsed.get(), CURLUPART_URL, url, 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK) {
    return FetchError::no_such_host;
  }
  const std::unique_ptr<char, decltype(&curl_free)> owner(host, &curl_free);
  addrinfo* found = nullptr;
  const int wrong = ::getaddrinfo(host, nullptr, nullptr, &found);
  if (found != nullptr) ::freeaddrinfo(found);
  return wrong == EAI_NONAME || wrong == EAI_NODATA ? FetchError::no_such_host
                                                    : FetchError::resolver;
}

FetchError kind_of(CURLcode code, CURL* handle, const Transfer& transfer) {
  if (transfer.too_large) return FetchError::too_large;
  if (transfer.lost_tls) return FetchError::redirect;
  if (transfer.socket_error == ENOMEM) return FetchError::memory;
  if (transfer.socket_error != 0) return FetchError::machine;
  if (!transfer.not_public.empty() && !transfer.tried_public) return FetchError::not_public;
  long error = 0;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &error);
  curl_off_t sent_us = 0;
  curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return why_no_address(handle);
    case CURLE_COULDNT_CONNECT:
      return transfer.not_public.empty() ? FetchError::unreachable : FetchError::not_public;
    case CURLE_OPERATION_TIMEDOUT:
      return sent_us == 0 ? FetchError::unreachable : FetchError::slow;
    case CURLE_SSL_CONNECT_ERROR:
      // A connection that was reset in the middle of it says nothing about the certificate.
      return error == ECONNRESET || error == EPIPE ? FetchError::unreachable : FetchError::tls;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
      return FetchError::tls;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_FAILED_INIT:
      return FetchError::machine;
    case CURLE_OUT_OF_MEMORY:
      return FetchError::memory;
    case CURLE_FILESIZE_EXCEEDED:
      return FetchError::too_large;
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_LOGIN_DENIED:
      return FetchError::redirect;
    default:
      return FetchError::cut;
  }
}

std::string detail_of(FetchError what, CURLcode code, const Transfer& transfer,
                      const std::string& said) {
  switch (what) {
    case FetchError::too_large:
      return "more than " + std::to_string(transfer.request.bytes_max) +
             " bytes, which is limits.file_bytes_max";
    case FetchError::not_public:
      return "leads to " + transfer.not_public +
             ", which is not fetched from; --allow-private allows it";
    case FetchError::redirect:
      if (code == CURLE_TOO_MANY_REDIRECTS)
        return "more than " + std::to_string(kRedirectsMax) + " redirects";
      if (code == CURLE_UNSUPPORTED_PROTOCOL || transfer.lost_tls)
        return "redirected to an address that is not followed (from https to http, or neither)";
      return said;
    case FetchError::cut:
      return "the connection ended after " + std::to_string(transfer.size) + " bytes (" + said +
             ")";
    case FetchError::machine:
      return transfer.socket_error == 0 ? said
                                        : std::generic_category().message(transfer.socket_error);
    default:
      return said;
  }
}

FetchFailure failure_of_status(CURL* handle, Transfer& transfer) {
  FetchFailure failure;
  failure.status = static_cast<int>(status_of(handle));
  failure.detail = "the server answers " + std::to_string(failure.status);
  failure.body = std::move(transfer.error_body);
  curl_off_t wait_s = 0;
  curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait_s);
  if (wait_s > 0) failure.retry_after = std::chrono::seconds(wait_s);
  return failure;
}

FetchFailure failure_of(CURLcode code, CURL* handle, const Transfer& transfer,
                        const std::string& said) {
  FetchFailure failure;
  failure.what = kind_of(code, handle, transfer);
  failure.bytes = static_cast<std::int64_t>(transfer.size);
  long redirects = 0;
  curl_easy_getinfo(handle, CURLINFO_REDIRECT_COUNT, &redirects);
  failure.redirected = redirects > 0;
  failure.detail =
      detail_of(failure.what, code, transfer, said.empty() ? curl_easy_strerror(code) : said);
  return failure;
}

struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList signed_headers(const Signing& sign) {
  // Of an empty body: every version of curl then signs the same.
  HeaderList list(curl_slist_append(
      nullptr,
      "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  if (sign.session_token.empty()) return list;
  curl_slist* const more =
      curl_slist_append(list.get(), ("x-amz-security-token: " + sign.session_token).c_str());
  if (more == nullptr) throw std::bad_alloc();
  (void)list.release();
  return HeaderList(more);
}

void set_limits(CURL* handle, const HttpRequest& request, const RemoteSettings& settings) {
  const auto limit_ms = std::max<long>(1, static_cast<long>(request.limit.count()));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, limit_ms);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   std::min(limit_ms, 1'000L * settings.connect_timeout_s));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, kSlowBytesPerS);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings.stall_timeout_s));
  curl_easy_setopt(handle, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.bytes_max));
}

void set_where(CURL* handle, const HttpRequest& request) {
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  const bool tls = request.url.starts_with("https:");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, request.sign == nullptr ? 1L : 0L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kRedirectsMax);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");  // whatever http_proxy says
  curl_easy_setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(handle, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  if (request.head) curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  if (request.anew) {
    curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  }
}

void sign_with(CURL* handle, const Signing& sign, const curl_slist* headers) {
  curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, ("aws:amz:" + sign.region + ":s3").c_str());
  curl_easy_setopt(handle, CURLOPT_USERNAME, sign.access_key.c_str());
  curl_easy_setopt(handle, CURLOPT_PASSWORD, sign.secret_key.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);  // a key may hold "/../"
}

void initialise_once() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

}  // namespace

void HttpClient::Close::operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }

HttpClient::HttpClient(RemoteSettings settings, AddressRule rule)
    : settings_(std::move(settings)), rule_(rule) {
  initialise_once();
}

HttpClient::~HttpClient() = default;

HttpClient::Handle HttpClient::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      Handle handle = std::move(idle_.back());
      idle_.pop_back();
      return handle;
    }
  }
  Handle handle(curl_easy_init());
  if (!handle) throw std::bad_alloc();
  return handle;
}

void HttpClient::put_back(Handle handle) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(handle));
}

tl::expected<std::size_t, FetchFailure> HttpClient::get(const HttpRequest& request,
                                                        std::vector<std::uint8_t>& body) {
  Handle owner = take();
  CURL* const handle = owner.get();
  curl_easy_reset(handle);  // its connections stay
  Transfer transfer{request, settings_.allow_private ? nullptr : rule_, body, handle};
  std::array<char, CURL_ERROR_SIZE> said{};
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, said.data());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "photoscribe");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_bytes);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &on_socket);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, &on_request);
  curl_easy_setopt(handle, CURLOPT_PREREQDATA, &transfer);
  if (!settings_.ca_file.empty())
    curl_easy_setopt(handle, CURLOPT_CAINFO, settings_.ca_file.c_str());
  set_where(handle, request);
  set_limits(handle, request, settings_);
  HeaderList headers;
  if (request.sign != nullptr) {
    headers = signed_headers(*request.sign);
    sign_with(handle, *request.sign, headers.get());
  }
  const CURLcode code = curl_easy_perform(handle);
  tl::expected<std::size_t, FetchFailure> result = transfer.size;
  if (code != CURLE_OK) {
    result = tl::unexpected(failure_of(code, handle, transfer, said.data()));
  } else if (status_of(handle) != 200) {
    result = tl::unexpected(failure_of_status(handle, transfer));
  }
  curl_easy_reset(handle);  // nothing of it points here any more, and no secret stays
  put_back(std::move(owner));
  return result;
}

}  // namespace photoscribe
