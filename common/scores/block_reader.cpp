#include "common/scores/block_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/text/utf8.h"

namespace photoscribe {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 18;

}  // namespace

Expected<BlockReader> BlockReader::open(const std::string& file) {
  if (file == "-") return BlockReader("standard input", stdin);
  errno = 0;
  std::FILE* const opened = std::fopen(file.c_str(), "rbe");
  if (opened == nullptr)
    return fail(Errc::environment, "read " + file + ": " + std::strerror(errno));
  return BlockReader(file, opened);
}

BlockReader BlockReader::of_text(std::string text) {
  BlockReader reader("", nullptr);
  reader.buffer_ = std::move(text);
  reader.begun_ = reader.ended_ = true;
  return reader;
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

std::size_t BlockReader::find_line_end() {
  for (std::size_t searched = 0;;) {
    const auto end = buffer_.find_first_of("\r\n", at_ + searched);
    // Whether LF follows a CR at the end of what is here, the next block tells.
    if (end != std::string::npos && (buffer_[end] == '\n' || end + 1 < buffer_.size())) return end;
    searched = (end == std::string::npos ? buffer_.size() : end) - at_;
    if (!fill()) return buffer_.find_first_of("\r\n", at_ + searched);
  }
}

bool BlockReader::next_line(std::string_view& line) {
  std::size_t end = find_line_end();
  if (end == std::string::npos) {
    if (at_ == buffer_.size()) return false;
    end = buffer_.size();
  }
  line = std::string_view(buffer_).substr(at_, end - at_);
  const bool both = buffer_.compare(end, 2, "\r\n") == 0;
  at_ = std::min(buffer_.size(), end + (both ? 2 : 1));
  ++line_number_;
  return true;
}

int BlockReader::begin_sequence(int lead) {
  constexpr std::size_t kBehindLead = 3;
  while (buffer_.size() - at_ < kBehindLead && fill()) {
  }
  sequence_ = static_cast<char>(lead) + buffer_.substr(at_, kBehindLead);
  const Character first = first_character(sequence_);
  if (first.is_utf8()) {
    const std::size_t size = first.bytes.size();
    at_ += size - 1;
    sequence_.resize(size);
  } else {
    ++invalid_;
    sequence_ = "\xEF\xBF\xBD";
  }
  sequence_at_ = 1;
  return static_cast<unsigned char>(sequence_.front());
}

std::size_t BlockReader::end_of_lines() const {
  if (const auto end = buffer_.rfind('\n'); end != std::string::npos && end >= at_) return end + 1;
  // LF may follow a CR at the end of what is here.
  const auto end = buffer_.size() < 2 ? std::string::npos : buffer_.rfind('\r', buffer_.size() - 2);
  return end != std::string::npos && end >= at_ ? end + 1 : at_;
}

bool BlockReader::next_lines(std::string& text) {
  if (at_ == buffer_.size()) fill();
  while (end_of_lines() == at_ && fill()) {
  }
  const std::size_t end = ended_ ? buffer_.size() : end_of_lines();
  text.assign(buffer_, at_, end - at_);
  at_ = end;
  return !text.empty();
}

Status BlockReader::failure() const {
  if (error_ == 0) return {};
  return fail(Errc::environment, "read " + name_ + ": " + std::strerror(error_));
}

}  // namespace photoscribe
