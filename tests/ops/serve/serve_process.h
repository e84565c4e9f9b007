// serve_process: `photoscribe serve` as a person starts it, on a port of its own.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/core/file_descriptor.h"
#include "scheduler/process/program.h"
#include "tests/support/http_client.h"

namespace photoscribe::test {

class ServeProcess {
 public:
  /// `words` go after `serve DB --listen 127.0.0.1:0`.
  ServeProcess(const std::string& database, const std::string& cache,
               const std::vector<std::string>& words) {
    ProgramOptions options;
    options.executable = PHOTOSCRIBE_BIN_DIR "/photoscribe";
    options.words = {"photoscribe", "serve", database, "--listen", "127.0.0.1:0"};
    options.words.insert(options.words.end(), words.begin(), words.end());
    options.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "XDG_CACHE_HOME=" + cache,
                           "FAKE_PICTURE_LOG=" + cache + "/asked",
                           "PHOTOSCRIBE_WORKER_EXECUTABLE=" PHOTOSCRIBE_FAKE_PICTURE_WORKER};
    Pipe out = open_pipe();
    child_ = Program(std::move(options)).start({-1, out.write.get(), 2});
    out.write.reset();
    std::string text;
    for (std::array<char, 256> chunk{}; text.find('\n') == std::string::npos;) {
      const ssize_t size = read(out.read.get(), chunk.data(), chunk.size());
      if (size <= 0) throw std::runtime_error("photoscribe serve ended: " + text);
      text.append(chunk.data(), static_cast<std::size_t>(size));
    }
    const std::string mark = "http://127.0.0.1:";
    port_ = static_cast<std::uint16_t>(std::atoi(text.c_str() + text.find(mark) + mark.size()));
  }
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;
  ~ServeProcess() { (void)end(); }

  /// Stops it as Ctrl-C does; returns its exit status.
  int end() {
    if (child_ < 0) return -1;
    kill(child_, SIGTERM);
    return shell_status_of(reap(std::exchange(child_, -1)));
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

  HttpReply call(const HttpCall& what) const { return http(port_, what); }
  /// The answer to GET, which must be 200.
  nlohmann::json get(const std::string& target) const {
    const HttpReply reply = call({"GET", target});
    EXPECT_EQ(reply.status, 200) << target << ": " << reply.body;
    return nlohmann::json::parse(reply.body);
  }
  HttpReply post(const std::string& target, const nlohmann::json& body) const {
    return call({"POST", target, {{"Content-Type", "application/json"}}, body.dump()});
  }

 private:
  pid_t child_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace photoscribe::test
