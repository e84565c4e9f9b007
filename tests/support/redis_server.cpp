#include "tests/support/redis_server.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/support/certificate.h"

namespace photoscribe::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{10};

struct FreeContext {
  void operator()(redisContext* context) const noexcept { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;
using ReplyPtr = std::unique_ptr<redisReply, FreeReply>;

std::string render(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return std::to_string(reply.integer);
    case REDIS_REPLY_NIL:
      return "(nil)";
    case REDIS_REPLY_ERROR:
      return "(error) " + std::string(reply.str, static_cast<std::size_t>(reply.len));
    case REDIS_REPLY_ARRAY: {
      std::string text = "[";
      for (std::size_t i = 0; i < reply.elements; ++i) {
        text += (i == 0 ? "" : ", ") + render(*reply.element[i]);
      }
      return text + "]";
    }
    default:
      return std::string(reply.str, static_cast<std::size_t>(reply.len));
  }
}

ReplyPtr send(redisContext* context, const std::vector<std::string>& words) {
  std::vector<const char*> bytes;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    bytes.push_back(word.data());
    sizes.push_back(word.size());
  }
  return ReplyPtr(static_cast<redisReply*>(
      redisCommandArgv(context, static_cast<int>(words.size()), bytes.data(), sizes.data())));
}

Context connect(const std::string& socket, const std::string& password) {
  Context context(redisConnectUnixWithTimeout(socket.c_str(), timeval{5, 0}));
  if (!context || context->err != 0) return nullptr;
  redisSetTimeout(context.get(), timeval{10, 0});
  if (!password.empty()) send(context.get(), {"AUTH", password});
  return context;
}

/// A port that nobody listens on now, from the kernel's own choice.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool good =
      fd >= 0 && ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!good) throw std::runtime_error("no free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

/// Runs a program with its output in `log`; returns its process.
pid_t launch(const std::vector<std::string>& words, const std::string& log) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no server outlives a test that crashed
  if (::getppid() != parent) ::_exit(127);
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(fd, STDOUT_FILENO);
  ::dup2(fd, STDERR_FILENO);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

std::string whole_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

RedisServer::RedisServer(RedisOptions options) : options_(std::move(options)) {
  if (options_.tls) {
    static_cast<void>(make_certificate(folder_));
    tls_port_ = free_port();
  }
  if (options_.tcp || options_.sentinel) port_ = free_port();
  write_config();
  start();
}

RedisServer::~RedisServer() {
  if (pid_ > 0) kill();
}

void RedisServer::write_config() {
  std::string text = "port " + std::to_string(port_) + "\nunixsocket " +
                     folder_.file("redis.sock") + "\nunixsocketperm 700\ndir " +
                     folder_.path().string() + "\ndaemonize no\n";
  if (port_ != 0) text += "bind 127.0.0.1\n";
  if (!options_.sentinel) text += "save \"\"\n";
  if (options_.aof) text += "appendonly yes\nappendfsync always\n";
  if (!options_.password.empty()) text += "requirepass " + options_.password + "\n";
  for (const std::string& user : options_.acl_users) text += user + "\n";
  for (const std::string& line : options_.directives) text += line + "\n";
  if (options_.tls) {
    text += "tls-port " + std::to_string(tls_port_) + "\nbind 127.0.0.1\ntls-cert-file " +
            folder_.file("cert.pem") + "\ntls-key-file " + folder_.file("key.pem") +
            "\ntls-auth-clients no\ntls-ca-cert-file " + folder_.file("cert.pem") + "\n";
  }
  folder_.write("redis.conf", text);
}

void RedisServer::start() {
  std::vector<std::string> words{"redis-server", folder_.file("redis.conf")};
  if (options_.sentinel) words.emplace_back("--sentinel");
  pid_ = launch(words, folder_.file("redis.log"));
  wait_until_ready();
}

void RedisServer::wait_until_ready() {
  const auto give_up = Clock::now() + kPatience;
  while (Clock::now() < give_up) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error("redis-server ended: " + whole_file(folder_.file("redis.log")));
    }
    if (const Context context = connect(folder_.file("redis.sock"), options_.password)) {
      const ReplyPtr reply = send(context.get(), {"PING"});
      if (reply && reply->type == REDIS_REPLY_STATUS) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the socket is not there yet
  }
  throw std::runtime_error("redis-server does not answer: " +
                           whole_file(folder_.file("redis.log")));
}

void RedisServer::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::pause() {
  ::kill(pid_, SIGSTOP);
  ::waitpid(pid_, nullptr, WUNTRACED);  // returns when it really stands still
}

void RedisServer::resume() { ::kill(pid_, SIGCONT); }

std::string RedisServer::url() const { return "unix:" + folder_.file("redis.sock"); }

std::string RedisServer::tls_url() const {
  return "rediss://localhost:" + std::to_string(tls_port_) + "?ca=" + folder_.file("cert.pem");
}

std::string RedisServer::command(const std::vector<std::string>& words) {
  const Context context = connect(folder_.file("redis.sock"), options_.password);
  if (!context) throw std::runtime_error("cannot connect to the test's redis-server");
  const ReplyPtr reply = send(context.get(), words);
  if (!reply) throw std::runtime_error("no reply to " + words.front());
  return render(*reply);
}

std::int64_t RedisServer::number(const std::vector<std::string>& words) {
  const std::string text = command(words);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::runtime_error(words.front() + " answered \"" + text + "\", not a number");
  }
  return value;
}

}  // namespace photoscribe::test
