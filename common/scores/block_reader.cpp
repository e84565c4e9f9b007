#include "common/scores/block_reader.h"

#include <cerrno>
#include <cstring>

namespace photoscribe {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

}  // namespace

Expected<BlockReader> BlockReader::open(const std::string& file) {
  if (file == "-") return BlockReader("standard input", stdin);
  errno = 0;
  std::FILE* const opened = std::fopen(file.c_str(), "rbe");
  if (opened == nullptr)
    return fail(Errc::environment, "read " + file + ": " + std::strerror(errno));
  return BlockReader(file, opened);
}

bool BlockReader::fill() {
  if (ended_) return false;
  buffer_.erase(0, at_);
  at_ = 0;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kBlockBytes);
  errno = 0;
  const std::size_t got = std::fread(buffer_.data() + before, 1, kBlockBytes, file_.get());
  buffer_.resize(before + got);
  if (std::ferror(file_.get()) != 0) error_ = errno != 0 ? errno : EIO;
  if (got == 0) ended_ = true;
  if (!begun_ && buffer_.starts_with("\xef\xbb\xbf")) at_ = 3;
  begun_ = true;
  return got > 0;
}

std::string_view BlockReader::peek() {
  if (at_ == buffer_.size()) fill();
  return std::string_view(buffer_).substr(at_);
}

bool BlockReader::next_line(std::string_view& line) {
  std::size_t searched = 0;
  for (;;) {
    const auto end = buffer_.find('\n', at_ + searched);
    if (end != std::string::npos) {
      line = std::string_view(buffer_).substr(at_, end - at_);
      at_ = end + 1;
      break;
    }
    searched = buffer_.size() - at_;
    if (fill()) continue;
    if (at_ == buffer_.size()) return false;
    line = std::string_view(buffer_).substr(at_);
    at_ = buffer_.size();
    break;
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++line_number_;
  return true;
}

Status BlockReader::failure() const {
  if (error_ == 0) return {};
  return fail(Errc::environment, "read " + name_ + ": " + std::strerror(error_));
}

}  // namespace photoscribe
