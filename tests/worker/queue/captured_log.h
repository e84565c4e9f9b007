// captured_log: what workers of a test write to the log while this lives.
#pragma once

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <string>

namespace photoscribe {

class CapturedLog {
 public:
  CapturedLog() : before_(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>("captured", std::make_shared<Sink>(*this));
    logger->set_pattern("%l %v");
    spdlog::set_default_logger(std::move(logger));
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  ~CapturedLog() { spdlog::set_default_logger(before_); }

  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  [[nodiscard]] bool contains(const std::string& part) const {
    return text().find(part) != std::string::npos;
  }

 private:
  class Sink : public spdlog::sinks::base_sink<std::mutex> {
   public:
    explicit Sink(CapturedLog& log) : log_(log) {}

   protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
      spdlog::memory_buf_t line;
      formatter_->format(message, line);
      const std::lock_guard lock(log_.mutex_);
      log_.text_.append(line.data(), line.size());
    }
    void flush_() override {}

   private:
    CapturedLog& log_;
  };
  mutable std::mutex mutex_;
  std::string text_;
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace photoscribe
