#include "ops/serve/site.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <charconv>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/http/access.h"
#include "common/http/http_server.h"
#include "common/text/safe_text.h"
#include "ops/serve/answers.h"
#include "ops/serve/api.h"
#include "ops/serve/assets.h"
#include "ops/serve/changes.h"
#include "ops/serve/live.h"
#include "scheduler/queue/run_monitor.h"

namespace photoscribe::serve {
namespace {

using http::Answer;
using http::Request;
using nlohmann::json;

constexpr int kThumbnailPx = 240, kLargePx = 1024;
constexpr const char* kFirstRows = "24";  // kFirst of gallery.js

/// Nothing is loaded from elsewhere, no inline scripts, no framing.
const std::vector<std::pair<std::string, std::string>>& headers() {
  static const std::vector<std::pair<std::string, std::string>> kHeaders{
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
       "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cache-Control", "no-store"}};
  return kHeaders;
}

/// "/api/photos/12/caption" → {"api", "photos", "12", "caption"}
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t from = 1; from < path.size();) {
    const std::size_t slash = std::min(path.find('/', from), path.size());
    parts.push_back(path.substr(from, slash - from));
    from = slash + 1;
  }
  return parts;
}

std::optional<std::int64_t> id_of(const std::string& text) {
  std::int64_t id = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (wrong != std::errc{} || end != text.data() + text.size() || id < 1) return std::nullopt;
  return id;
}

Answer asset_answer(const Asset& asset) {
  Answer answer;
  answer.type = asset.type;
  answer.body = asset.text;
  answer.etag = asset.etag;
  answer.headers = {{"Cache-Control", "no-cache"}};  // cached, but revalidated
  return answer;
}

Answer picture_answer(const std::string& key, std::string jpeg) {
  Answer answer;
  answer.type = "image/jpeg";
  answer.body = std::move(jpeg);
  answer.etag = key;
  answer.headers = {{"Cache-Control", "private, max-age=604800"}};
  return answer;
}

}  // namespace

class Site::Impl {
 public:
  explicit Impl(SiteOptions given)
      : options_(std::move(given)),
        archive_(options_.database),
        live_(archive_, options_.writer),
        thumbnails_(options_.cache_folder, options_.cache_bytes_max, options_.pictures) {
    // With a token, the Host header does not matter: requests without the token are refused.
    access_.loopback = options_.place.loopback && options_.token.empty();
    access_.token = options_.token;
  }
  ~Impl() {
    server_.reset();  // no more requests; those in progress still use the other members
    archive_.stop();
    for (auto* pool : {&probes_, &quick_, &lists_, &slow_}) pool->join();
  }

  Status start() {
    http::ServerOptions server;
    server.place = options_.place;
    server.option = options_.option;
    server.headers = headers();
    auto started = http::Server::start(
        std::move(server), [this](std::shared_ptr<const Request> request, http::Respond respond) {
          handle(std::move(request), std::move(respond));
        });
    if (!started) return fail(started.error());
    server_ = std::move(*started);
    boost::asio::post(lists_, [this] { prepare(); });
    return {};
  }

  [[nodiscard]] const SiteOptions& options() const { return options_; }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }

 private:
  /// Reads the newest run's photos, which a page opens with.
  void prepare() {
    const auto runs = archive_.read([](Reader& reader) { return reader.store.runs(); });
    if (runs && !runs->empty()) (void)archive_.index(runs->back().id);
  }

  // --- on the server's thread ---

  void handle(std::shared_ptr<const Request> request, http::Respond respond) {
    if (request->path == "/livez") return respond(http::plain_answer(200, "alive"));
    if (request->path == "/readyz") return run(probes_, respond, [this] { return ready(); });
    const bool changes = request->method == "POST";
    if (!changes && request->method != "GET" && request->method != "HEAD") {
      Answer answer = http::plain_answer(405, "only GET, HEAD and POST");
      answer.headers = {{"Allow", "GET, HEAD, POST"}};
      return respond(std::move(answer));
    }
    if (auto refused = http::refusal(access_, *request)) return respond(std::move(*refused));
    if (changes) return change(std::move(request), std::move(respond));
    if (request->path == "/metrics") return run(probes_, respond, [this] { return metrics(); });
    if (request->path == "/api/events") return respond(events());
    if (request->path == "/") return run(quick_, respond, [this] { return page(); });
    if (const Asset* asset = find_asset(request->path)) return respond(asset_answer(*asset));
    const auto parts = parts_of(request->path);
    if (parts.size() == 4 && parts[1] == "photos" && parts[3] == "picture") {
      return picture(*request, id_of(parts[2]).value_or(0), std::move(respond));
    }
    if (request->path == "/api/workers") {
      return run(slow_, respond, [this] { return workers(); });
    }
    // These wait until a run's photos are read; other calls must not wait for them.
    const bool lists = request->path == "/api/photos" || request->path == "/api/blur";
    run(lists ? lists_ : quick_, respond, [this, request] { return look_up(*request); });
  }

  Answer events() {
    Answer answer;
    answer.events = http::EventSource{
        std::chrono::milliseconds(500),
        [this, seen = std::make_shared<std::string>()] { return live_.next(*seen); }};
    return answer;
  }

  template <class Make>
  void run(boost::asio::thread_pool& pool, http::Respond respond, Make make) {
    boost::asio::post(pool, [respond = std::move(respond), make = std::move(make)] {
      try {
        respond(make());
      } catch (const std::exception& bug) {
        respond(error_answer(500, bug.what()));
      }
    });
  }

  void change(std::shared_ptr<const Request> request, http::Respond respond) {
    if (!options_.edit) {
      return respond(error_answer(403, "this page is read-only: start it with --edit"));
    }
    const auto parts = parts_of(request->path);
    const auto id = parts.size() == 4 && parts[0] == "api" ? id_of(parts[2]) : std::nullopt;
    if (!id) return respond(error_answer(404, "there is no such address"));
    const std::string what = parts[1] + "/" + parts[3];
    if (what == "photos/caption") {
      return run(quick_, respond, [this, request, id = *id] {
        return change_caption(archive_, options_, id, request->body);
      });
    }
    run(slow_, respond, [this, request, what, id = *id] {
      if (what == "photos/retry") return retry_photo(archive_, options_, id);
      if (what == "runs/control") return steer_run(archive_, options_, id, request->body);
      if (what == "runs/blur") return change_threshold(archive_, options_, id, request->body);
      return error_answer(404, "there is no such address");
    });
  }

  // --- on threads of the pools ---

  Answer ready() {
    const auto runs = archive_.read([](Reader& reader) { return reader.store.runs(); });
    return runs ? http::plain_answer(200, "ready") : http::plain_answer(503, runs.error().message);
  }

  Answer metrics() {
    const auto now = live_.poll();
    if (!now) return http::plain_answer(503, now.error().message);
    http::MetricsText out;
    add_archive_metrics(out, *now);
    if (options_.monitor) options_.monitor->add_metrics(out);
    out.add_process();
    return http::metrics_answer(out.text());
  }

  /// The page with its initial data embedded: the runs and, once they are read, the newest run's
  /// first photos.
  Answer page() {
    json first = json::object();
    const auto add = [&first](const std::string& address, const Answer& answer) {
      if (answer.status == 200) first[address] = json::parse(answer.body, nullptr, false);
    };
    add("/api/archive", archive_answer());
    add("/api/runs", runs_answer(live_));
    const auto runs = first.find("/api/runs");
    if (runs != first.end() && !(*runs)["runs"].empty()) {
      const RunId newest = (*runs)["runs"].back()["id"];
      Request request;
      request.query = {{"run", std::to_string(newest)}, {"at", "0"}, {"limit", kFirstRows}};
      const std::string address =
          "/api/photos?run=" + std::to_string(newest) + "&at=0&limit=" + kFirstRows;
      if (archive_.has_read(newest)) add(address, photos_answer(archive_, request));
    }
    std::string data;
    for (const char c : first.dump()) data += c == '<' ? "\\u003c" : std::string(1, c);
    Answer answer;
    answer.type = "text/html; charset=utf-8";
    answer.body = find_asset("/")->text;
    const std::string mark = "id=\"first\">";
    answer.body.insert(answer.body.find(mark) + mark.size(), data);
    return answer;
  }

  Answer workers() {
    const auto found = options_.workers();
    if (!found && found.error().code == Errc::run_gone) {
      return json_answer({{"workers", nullptr}});  // no scheduler, no workers
    }
    return found ? json_answer({{"workers", *found}}) : error_answer(found.error());
  }

  Answer archive_answer() {
    const std::string name = std::filesystem::path(options_.database).filename().string();
    return json_answer({{"database", replaced(name)},
                        {"path", replaced(options_.database)},
                        {"edit", options_.edit},
                        {"edited_by", replaced(options_.edited_by)},
                        {"version", PHOTOSCRIBE_VERSION}});
  }

  Answer look_up(const Request& request) {
    const std::string& path = request.path;
    if (path == "/api/archive") return archive_answer();
    if (path == "/api/runs") return runs_answer(live_);
    if (path == "/api/pace") return pace_answer(archive_, request);
    if (path == "/api/photos") return photos_answer(archive_, request);
    if (path == "/api/folders") return folders_answer(archive_, request);
    if (path == "/api/blur") return blur_answer(archive_, request);
    const auto parts = parts_of(path);
    if (parts.size() == 3 && parts[0] == "api") {
      const auto id = id_of(parts[2]);
      if (id && parts[1] == "runs") return run_answer(archive_, *id);
      if (id && parts[1] == "photos") return photo_answer(archive_, *id);
    }
    if (parts.size() == 4 && parts[0] == "api" && parts[1] == "runs" && parts[3] == "roots") {
      if (const auto id = id_of(parts[2])) return roots_answer(archive_, *id);
    }
    return error_answer(404, "there is no such address");
  }

  void picture(const Request& request, std::int64_t image_id, http::Respond respond) {
    const int side = request.parameter("size") == "large" ? kLargePx : kThumbnailPx;
    boost::asio::post(quick_, [this, image_id, side, respond = std::move(respond)] {
      const auto wanted = picture_request(archive_, image_id, side);
      if (!wanted) return respond(error_answer(wanted.error()));
      if (!*wanted) return respond(error_answer(404, "this photo has no file here"));
      const std::string key = Thumbnails::key_of(**wanted);
      if (auto kept = thumbnails_.kept(key)) return respond(picture_answer(key, std::move(*kept)));
      thumbnails_.make(**wanted, [respond, key](Expected<std::string> made) {
        if (!made) return respond(error_answer(made.error()));
        if (made->empty()) return respond(error_answer(404, "this photo cannot be shown"));
        respond(picture_answer(key, std::move(*made)));
      });
    });
  }

  const SiteOptions options_;
  http::Access access_;
  Archive archive_;
  Live live_;
  Thumbnails thumbnails_;
  boost::asio::thread_pool probes_{1}, quick_{3}, lists_{2}, slow_{2};
  std::unique_ptr<http::Server> server_;
};

Site::Site(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Site::~Site() = default;

Expected<std::unique_ptr<Site>> Site::start(SiteOptions options) {
  if (!options.place.loopback && options.token.empty()) {
    return fail(Errc::usage,
                options.option + ": " + options.place.address +
                    " is reached from other machines: give a token, --token-file FILE");
  }
  auto impl = std::make_unique<Impl>(std::move(options));
  if (Status started = impl->start(); !started) return fail(started.error());
  return std::unique_ptr<Site>(new Site(std::move(impl)));
}

std::uint16_t Site::port() const noexcept { return impl_->port(); }

std::string Site::address() const { return http::address_of(impl_->options().place, port()); }

}  // namespace photoscribe::serve
