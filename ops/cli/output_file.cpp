#include "ops/cli/output_file.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "ops/cli/safe_text.h"
#include "ops/cli/terminal.h"

namespace photoscribe::cli {
namespace {

std::string why() { return std::strerror(errno); }

}  // namespace

Expected<std::unique_ptr<OutputFile>> OutputFile::open(const std::string& file) {
  auto out = std::unique_ptr<OutputFile>(new OutputFile);
  if (file.empty() || file == "-") return out;
  out->file_ = file;
  out->partial_ = file + ".part." + std::to_string(getpid());
  out->partial_goes_.emplace(std::vector<std::string>{out->partial_});
  out->descriptor_ = ::open(out->partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (out->descriptor_ < 0) return fail(Errc::environment, shown(file) + ": " + why());
  return out;
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0 && !file_.empty()) {
    ::close(descriptor_);
    unlink(partial_.c_str());
  }
}

Status OutputFile::add(const std::string& text) {
  constexpr std::size_t kBuffer = 1 << 16;
  buffer_ += text;
  return buffer_.size() < kBuffer ? Status() : flush();
}

Status OutputFile::finish() {
  if (Status flushed = flush(); !flushed) return flushed;
  if (file_.empty()) return {};
  if (::close(std::exchange(descriptor_, -1)) != 0 ||
      rename(partial_.c_str(), file_.c_str()) != 0) {
    const std::string reason = why();
    unlink(partial_.c_str());
    return fail(Errc::environment, shown(file_) + ": " + reason);
  }
  return {};
}

Status OutputFile::flush() {
  if (!write_all(descriptor_, buffer_)) {
    const std::string reason = why();
    return fail(Errc::environment, (file_.empty() ? "standard output" : shown(file_)) + ": " +
                                       reason + "; nothing is left half-written");
  }
  buffer_.clear();
  return {};
}

}  // namespace photoscribe::cli
