#include "common/http/probe_server.h"

#include <utility>

#include "common/http/http_server.h"
#include "common/http/metrics_text.h"
#include "common/http/token_file.h"
#include "common/text/utf8.h"

namespace photoscribe::http {

std::optional<Answer> probe_answer(std::string_view path, const Health::Report& health) {
  const auto answer = [&](bool good, const char* word) {
    return good ? plain_answer(200, word) : plain_answer(503, replaced(health.why));
  };
  if (path == "/livez") return answer(health.alive, "alive");
  if (path == "/readyz") return answer(health.ready, "ready");
  return std::nullopt;
}

Answer answer_of(const Request& request, const Access& access, const ProbeSources& sources) {
  if (request.method != "GET" && request.method != "HEAD") {
    Answer answer = plain_answer(405, "only GET");
    answer.headers = {{"Allow", "GET, HEAD"}};
    return answer;
  }
  if (auto probed = probe_answer(request.path, sources.health())) return std::move(*probed);
  if (request.path != "/metrics")
    return plain_answer(404, "there are /livez, /readyz and /metrics");
  if (auto refused = refusal(access, request)) return std::move(*refused);
  return metrics_answer(sources.metrics());
}

Expected<std::unique_ptr<ProbeServer>> ProbeServer::start(const ProbeOptions& options,
                                                          ProbeSources sources) {
  const auto place = parse_listen_place(options.listen, "--http");
  if (!place) return fail(place.error());
  Access access;
  if (!options.token_file.empty()) {
    auto token = read_token(options.token_file);
    if (!token) return fail(token.error());
    access.token = std::move(*token);
  }
  if (!place->loopback && access.token.empty()) {
    return fail(Errc::usage, "--http: " + place->address +
                                 " is reached from other machines: give a token for /metrics, "
                                 "--token-file FILE (/livez and /readyz need none)");
  }
  access.loopback = place->loopback && access.token.empty();
  ServerOptions server;
  server.place = *place;
  server.option = "--http";
  server.headers = {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}};
  auto started =
      Server::start(std::move(server),
                    [access = std::move(access), sources = std::move(sources)](
                        const std::shared_ptr<const Request>& request, const Respond& respond) {
                      respond(answer_of(*request, access, sources));
                    });
  if (!started) return fail(started.error());
  std::unique_ptr<ProbeServer> probes(new ProbeServer());
  probes->server_ = std::move(*started);
  probes->address_ = address_of(*place, probes->port());
  return probes;
}

ProbeServer::ProbeServer() = default;
ProbeServer::~ProbeServer() = default;

std::uint16_t ProbeServer::port() const noexcept { return server_->port(); }

}  // namespace photoscribe::http
