// byte_source: the bytes of a file as the readers of metadata want them: a little here and there,
// of a file of any size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/file_descriptor.h"

namespace photoscribe::metadata {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Exactly `count` bytes from `offset` on. False where there are not so many, or they cannot be
  /// read.
  [[nodiscard]] virtual bool read(std::uint64_t offset, std::size_t count, std::string& out) = 0;
};

/// A file that is open for reading; it stays the caller's.
class FileBytes : public ByteSource {
 public:
  FileBytes(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] bool read(std::uint64_t offset, std::size_t count, std::string& out) override;

 private:
  int descriptor_;
  std::uint64_t size_;
  std::uint64_t block_at_ = 0;  // what was read last: headers lie close together
  std::string block_;
};

/// Bytes in memory, which outlive this.
class TextBytes : public ByteSource {
 public:
  explicit TextBytes(std::string_view text) : text_(text) {}
  [[nodiscard]] std::uint64_t size() const override { return text_.size(); }
  [[nodiscard]] bool read(std::uint64_t offset, std::size_t count, std::string& out) override {
    if (offset > text_.size() || count > text_.size() - offset) return false;
    out = text_.substr(offset, count);
    return true;
  }

 private:
  std::string_view text_;
};

/// Numbers in bytes; `at` + the number's size must be within.
[[nodiscard]] inline std::uint32_t number_at(std::string_view bytes, std::size_t at, int count,
                                             bool little) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) {
    const auto index = at + static_cast<std::size_t>(little ? count - 1 - i : i);
    value = value << 8 | static_cast<unsigned char>(bytes[index]);
  }
  return value;
}
[[nodiscard]] inline std::string number_bytes(std::uint32_t value, int count, bool little) {
  std::string out(static_cast<std::size_t>(count), '\0');
  for (int i = 0; i < count; ++i) {
    const auto index = static_cast<std::size_t>(little ? i : count - 1 - i);
    out[index] = static_cast<char>(value >> (8 * i) & 0xff);
  }
  return out;
}

}  // namespace photoscribe::metadata
