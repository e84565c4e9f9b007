#include "tests/chaos/redis_proxy.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <utility>
#include <variant>

#include "common/core/wire.h"
#include "common/redis/scripts.h"
#include "tests/chaos/resp.h"

namespace photoscribe::test {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

int open_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

/// Appends what is there to `to`; false at the end of the connection.
bool read_some(int fd, std::string& to) {
  char chunk[kChunk];
  const ssize_t got = ::recv(fd, chunk, sizeof chunk, 0);
  if (got > 0) to.append(chunk, static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool write_some(int fd, std::string& from) {
  if (from.empty()) return true;
  const ssize_t put = ::send(fd, from.data(), from.size(), MSG_NOSIGNAL);
  if (put > 0) from.erase(0, static_cast<std::size_t>(put));
  return put >= 0 || errno == EAGAIN || errno == EINTR;
}

FinishedPhoto in_words(const Result& result) {
  FinishedPhoto photo{result.image_id, result.attempt, 0, "done"};
  if (result.blur_scores) photo.blur_score = result.blur_scores->of(BlurMode::full);
  if (std::holds_alternative<Blurred>(result.outcome)) photo.outcome = "blurred";
  if (const auto* failed = std::get_if<Failed>(&result.outcome))
    photo.outcome = to_string(failed->reason);
  return photo;
}

/// By its hash, or by its text where the server does not know it yet.
bool calls(const std::vector<std::string>& words, const redis::Script& script) {
  return (words[0] == "EVALSHA" && words[1] == script.sha1) ||
         (words[0] == "EVAL" && words[1] == script.source);
}

}  // namespace

RedisProxy::RedisProxy(std::string listen_path, std::string server_path)
    : listen_path_(std::move(listen_path)), server_path_(std::move(server_path)) {
  listener_ = open_socket();
  const sockaddr_un address = address_of(listen_path_);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0 || ::pipe2(wake_, O_CLOEXEC) != 0) {
    throw std::runtime_error("the proxy cannot listen at " + listen_path_);
  }
  thread_ = std::thread([this] { serve(); });
}

RedisProxy::~RedisProxy() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  [[maybe_unused]] const ssize_t woken = ::write(wake_[1], "x", 1);
  thread_.join();
  for (const auto& link : links_) close_link(*link);
  for (const int fd : {listener_, wake_[0], wake_[1]}) ::close(fd);
  ::unlink(listen_path_.c_str());
}

void RedisProxy::serve() {
  for (;;) {
    std::vector<pollfd> polled{{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      std::erase_if(links_, [](const auto& link) { return link->closed; });
      for (const auto& link : links_) {
        const auto events = [&](const std::string& out) {
          return static_cast<short>(link->silent ? 0 : POLLIN | (out.empty() ? 0 : POLLOUT));
        };
        // A negative descriptor is passed over, so a silent link does not even report its end.
        polled.push_back({link->silent ? -1 : link->client, events(link->to_client), 0});
        polled.push_back({link->silent ? -1 : link->server, events(link->to_server), 0});
      }
    }
    ::poll(polled.data(), polled.size(), 1'000);
    const std::lock_guard lock(mutex_);
    if (polled[1].revents != 0) {
      char byte = 0;
      [[maybe_unused]] const ssize_t got = ::read(wake_[0], &byte, 1);
    }
    for (std::size_t i = 0; i < links_.size() && 2 * i + 3 < polled.size(); ++i) {
      Link& link = *links_[i];
      const short client = polled[2 * i + 2].revents, server = polled[2 * i + 3].revents;
      if (link.closed || link.silent || (client == 0 && server == 0)) continue;
      pump(link, client != 0, server != 0);
    }
    if (polled[0].revents != 0) accept_one();  // last: it adds to links_
  }
}

void RedisProxy::accept_one() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  ucred who{};
  socklen_t size = sizeof who;
  ::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &who, &size);
  const int server = open_socket();
  const sockaddr_un address = address_of(server_path_);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(server);
    ::close(client);  // as a server that is not there, a moment later
    return;
  }
  auto link = std::make_unique<Link>();
  link->client = client;
  link->server = server;
  link->pid = who.pid;
  links_.push_back(std::move(link));
}

void RedisProxy::pump(Link& link, bool client_ready, bool server_ready) {
  bool alive = true;
  if (client_ready) alive = read_some(link.client, link.from_client) && alive;
  if (server_ready) alive = read_some(link.server, link.from_server) && alive;
  take_replies(link);
  if (!link.closed) take_commands(link);
  if (link.closed) return;
  alive = write_some(link.server, link.to_server) && alive;
  alive = write_some(link.client, link.to_client) && alive;
  if (!alive) close_link(link);
}

void RedisProxy::take_commands(Link& link) {
  std::size_t at = 0;
  while (const auto end = message_end(link.from_client, at)) {
    const std::string_view message = std::string_view(link.from_client).substr(at, *end - at);
    Pending command = classify(link, words_of(message));
    if (sprung(link, command.step, Moment::before)) return;
    link.to_server += message;
    link.waiting.push_back(std::move(command));
    at = *end;
  }
  link.from_client.erase(0, at);
}

void RedisProxy::take_replies(Link& link) {
  std::size_t at = 0;
  while (const auto end = message_end(link.from_server, at)) {
    const std::string_view reply = std::string_view(link.from_server).substr(at, *end - at);
    if (reply.starts_with('-')) errors_.emplace(reply.substr(1, reply.find_first_of(" \r") - 1));
    if (!link.waiting.empty()) {
      Pending command = std::move(link.waiting.front());
      link.waiting.pop_front();
      const bool brings = command.step == Step::read || command.step == Step::take_results;
      if (reply.starts_with('-') || (brings && is_empty_reply(reply))) command.step = Step::other;
      remember(command, reply);
      if (sprung(link, command.step, Moment::after)) return;
    }
    link.to_client += reply;
    at = *end;
  }
  link.from_server.erase(0, at);
}

RedisProxy::Pending RedisProxy::classify(Link& link, const std::vector<std::string>& words) {
  Pending command;
  if (words.empty()) return command;
  const std::string& name = words[0];
  const auto key_ends = [&](std::size_t index, std::string_view end) {
    return words.size() > index && words[index].ends_with(end);
  };
  if (name == "MULTI") {
    link.in_transaction = true;
    link.packed.clear();
  } else if (name == "EXEC") {
    link.in_transaction = false;
    if (!link.packed.empty()) command.step = Step::finish;
    command.packed = std::exchange(link.packed, {});
  } else if (link.in_transaction) {
    if (name == "XADD" && key_ends(1, ":results")) link.packed = words.back();
  } else if (name == "HGETALL") {
    command.step = Step::list;
  } else if (name == "XREADGROUP") {
    command.step = Step::read;
  } else if (name == "XREAD" && key_ends(words.size() - 2, ":results")) {
    command.step = Step::take_results;
  } else if (name == "XDEL" && key_ends(1, ":results")) {
    command.step = Step::delete_results;
  } else if (calls(words, redis::scripts::kStart)) {
    command.step = Step::start;
  } else if (calls(words, redis::scripts::kHandBack)) {
    command.step = Step::hand_back;
  }
  return command;
}

bool RedisProxy::sprung(Link& link, Step step, Moment moment) {
  if (step == Step::other) return false;
  for (auto trap = traps_.begin(); trap != traps_.end(); ++trap) {
    if (trap->step != step || trap->moment != moment || --trap->left > 0) continue;
    traps_.erase(trap);
    ::kill(link.pid, SIGKILL);
    kills_.push_back({link.pid, Clock::now()});
    close_link(link);
    return true;
  }
  return false;
}

void RedisProxy::remember(const Pending& command, std::string_view reply) {
  if (command.step == Step::other) return;
  ++seen_[command.step];
  last_seen_[command.step] = Clock::now();
  // A nil of XADD NOMKSTREAM: the run was gone, and the worker learns that nothing was taken.
  if (command.step != Step::finish || reply.find("\r\n$-1") == reply.find("\r\n")) return;
  const Expected<ResultBatch> batch = decode_results(command.packed);
  if (!batch) throw std::runtime_error("a worker sent what cannot be read");
  for (const Result& result : batch->results) finished_.push_back(in_words(result));
}

void RedisProxy::close_link(Link& link) {
  if (std::exchange(link.closed, true)) return;
  ::close(link.client);
  ::close(link.server);
}

void RedisProxy::kill_at(Step step, Moment moment, int nth) {
  const std::lock_guard lock(mutex_);
  traps_.push_back({step, moment, nth});
}

std::vector<RedisProxy::Kill> RedisProxy::kills() const {
  const std::lock_guard lock(mutex_);
  return kills_;
}

void RedisProxy::cut() {
  const std::lock_guard lock(mutex_);
  for (const auto& link : links_) close_link(*link);
}

void RedisProxy::go_silent() {
  const std::lock_guard lock(mutex_);
  for (const auto& link : links_) link->silent = true;
  [[maybe_unused]] const ssize_t woken = ::write(wake_[1], "x", 1);
}

int RedisProxy::seen(Step step) const {
  const std::lock_guard lock(mutex_);
  const auto found = seen_.find(step);
  return found == seen_.end() ? 0 : found->second;
}

bool RedisProxy::answered_with(const std::string& error) const {
  const std::lock_guard lock(mutex_);
  return errors_.contains(error);
}

RedisProxy::Clock::time_point RedisProxy::last_seen(Step step) const {
  const std::lock_guard lock(mutex_);
  const auto found = last_seen_.find(step);
  return found == last_seen_.end() ? Clock::time_point() : found->second;
}

std::vector<FinishedPhoto> RedisProxy::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

void RedisProxy::forget_finished() {
  const std::lock_guard lock(mutex_);
  finished_.clear();
}

}  // namespace photoscribe::test
