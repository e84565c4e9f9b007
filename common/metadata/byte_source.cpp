#include "common/metadata/byte_source.h"

#include <algorithm>

namespace photoscribe::metadata {
namespace {

constexpr std::size_t kBlock = 16 << 10;

bool read_at(int descriptor, std::uint64_t offset, std::size_t count, std::string& out) {
  out.resize(count);
  for (std::size_t have = 0; have < count;) {
    const ssize_t got =
        ::pread(descriptor, out.data() + have, count - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    have += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

bool FileBytes::read(std::uint64_t offset, std::size_t count, std::string& out) {
  if (offset > size_ || count > size_ - offset) return false;
  if (count >= kBlock) return read_at(descriptor_, offset, count, out);
  if (offset < block_at_ || offset + count > block_at_ + block_.size()) {
    const std::size_t whole =
        static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, size_ - offset));
    block_at_ = offset;
    if (!read_at(descriptor_, offset, whole, block_)) {
      block_.clear();
      return false;
    }
  }
  out.assign(block_, static_cast<std::size_t>(offset - block_at_), count);
  return true;
}

}  // namespace photoscribe::metadata
