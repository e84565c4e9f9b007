// probe_server: GET /livez, /readyz and /metrics, for whoever watches over a worker or a scheduler.
//
// On a thread of its own, so that it answers for a program whose loop stands still. Beyond this
// machine /metrics needs the token; the probes say one line, and need none. The page of ops/serve
// answers the same addresses itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/core/error.h"
#include "common/core/health.h"
#include "common/http/access.h"
#include "common/http/http_message.h"

namespace photoscribe::http {

class Server;

struct ProbeOptions {
  std::string listen;      // as parse_listen_place() reads it
  std::string token_file;  // empty: none
};

/// Called on the server's thread.
struct ProbeSources {
  std::function<Health::Report()> health;
  std::function<std::string()> metrics;  // MetricsText::text()
};

/// 200 or 503 with a line of text, for the paths of the two probes; none for another path.
[[nodiscard]] std::optional<Answer> probe_answer(std::string_view path,
                                                 const Health::Report& health);
/// What a request gets.
[[nodiscard]] Answer answer_of(const Request& request, const Access& access,
                               const ProbeSources& sources);

class ProbeServer {
 public:
  /// Fails with usage (no address, a token file that will not do, another machine reaches it and
  /// there is no token) or environment (the place is taken). Messages begin with --http.
  [[nodiscard]] static Expected<std::unique_ptr<ProbeServer>> start(const ProbeOptions& options,
                                                                    ProbeSources sources);
  ProbeServer(const ProbeServer&) = delete;
  ProbeServer& operator=(const ProbeServer&) = delete;
  /// The sources are not called after that.
  ~ProbeServer();

  [[nodiscard]] std::uint16_t port() const noexcept;
  /// "http://127.0.0.1:9101/"
  [[nodiscard]] const std::string& address() const noexcept { return address_; }

 private:
  ProbeServer();
  std::unique_ptr<Server> server_;
  std::string address_;
};

}  // namespace photoscribe::http
