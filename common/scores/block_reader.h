// block_reader: a file's bytes in blocks, as lines or one by one. Private to common/scores.
//
// Standard input is "-". Nothing is read twice, so pipes work.
#pragma once

#include <cstdint>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "common/core/error.h"

namespace photoscribe {

class BlockReader {
 public:
  /// Fails with `environment`.
  [[nodiscard]] static Expected<BlockReader> open(const std::string& file);
  /// Of what next_lines() gave.
  [[nodiscard]] static BlockReader of_text(std::string text);

  /// The next line without its end (LF, CRLF or CR), valid until the next call; false at the end of
  /// the file. A byte order mark at the start of the file is left out. Blank lines come, too.
  bool next_line(std::string_view& line);
  [[nodiscard]] std::int64_t line_number() const noexcept { return line_number_; }

  /// Whole lines, about a block of them; false at the end of the file. Their numbers are not
  /// counted here: see of_text().
  bool next_lines(std::string& text);

  /// What comes next, at most a block; does not take it.
  [[nodiscard]] std::string_view peek();

  /// The next byte, or -1 at the end.
  int next_byte() {
    if (at_ == buffer_.size() && !fill()) return -1;
    return static_cast<unsigned char>(buffer_[at_++]);
  }

  /// The same with U+FFFD for what is not UTF-8, of which invalid() counts.
  int next_utf8_byte() {
    if (sequence_at_ < sequence_.size())
      return static_cast<unsigned char>(sequence_[sequence_at_++]);
    const int byte = next_byte();
    return byte < 0x80 ? byte : begin_sequence(byte);
  }
  [[nodiscard]] std::int64_t invalid() const noexcept { return invalid_; }

  /// Why reading ended before the end of the file, or nothing.
  [[nodiscard]] Status failure() const;

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept {
      if (file != stdin) std::fclose(file);
    }
  };
  BlockReader(std::string name, std::FILE* file) : name_(std::move(name)), file_(file) {}
  [[nodiscard]] std::size_t find_line_end();       // from at_ on; reads on as far as needed
  [[nodiscard]] std::size_t end_of_lines() const;  // of the whole lines that are here
  int begin_sequence(int lead);
  bool fill();  // more bytes behind those that are left; false at the end

  std::string name_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::int64_t line_number_ = 0, invalid_ = 0;
  std::string sequence_;  // of next_utf8_byte(): what is left begins at sequence_at_
  std::size_t sequence_at_ = 0;
  bool begun_ = false, ended_ = false;
  int error_ = 0;  // errno
};

/// The bytes of a reader as an input iterator, for a parser that takes a pair of them and wants
/// UTF-8.
class ByteIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  ByteIterator() = default;
  explicit ByteIterator(BlockReader& reader) : reader_(&reader) { ++*this; }
  char operator*() const { return static_cast<char>(byte_); }
  ByteIterator& operator++() {
    byte_ = reader_->next_utf8_byte();
    if (byte_ < 0) reader_ = nullptr;
    return *this;
  }
  ByteIterator operator++(int) {
    ByteIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const ByteIterator& other) const { return reader_ == other.reader_; }

 private:
  BlockReader* reader_ = nullptr;  // none: the end
  int byte_ = -1;
};

}  // namespace photoscribe
