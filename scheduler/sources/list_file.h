// list_file: a list of photos as a file that can be read twice, and its lines.
//
// What cannot (standard input, a pipe) is copied into a file without a name first, which goes with
// the process. Bytes are raw: no encoding, no form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"

namespace photoscribe {

class ListFile {
 public:
  /// "-" is standard input. `scratch_folder` is where a copy has room; empty: /tmp. Fails with
  /// usage for a folder and for what is not there, with environment when it cannot be read.
  [[nodiscard]] static Expected<ListFile> open(const std::string& file,
                                               const std::string& scratch_folder = {});

  /// As a message names it.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] int descriptor() const noexcept { return opened_.get(); }
  /// Its beginning, at most `bytes`.
  [[nodiscard]] Expected<std::string> beginning(std::size_t bytes) const;

 private:
  ListFile(std::string name, FileDescriptor opened)
      : name_(std::move(name)), opened_(std::move(opened)) {}
  std::string name_;
  FileDescriptor opened_;
};

/// The lines of a ListFile, which must outlive it, in memory of a block and a line.
class ListLines {
 public:
  /// Longer ones are cut, and say so.
  static constexpr std::size_t kLineMax = std::size_t{16} << 20;

  struct Line {
    std::string_view text;  // with its end, where it has one; valid until the next call
    std::int64_t number = 0;
    bool cut = false;
  };

  explicit ListLines(const ListFile& file, char end = '\n') : file_(file), end_(end) {}

  /// False at the end. Fails with environment. A byte order mark at the start is left out.
  [[nodiscard]] Expected<bool> next(Line& line);

  /// Where the next line begins.
  struct Place {
    std::uint64_t offset = 0;
    std::int64_t line = 0;  // the number of the one before it
  };
  [[nodiscard]] Place place() const noexcept { return {block_begins_ + at_, number_}; }
  void go_to(Place place);

 private:
  [[nodiscard]] Expected<bool> next_cut(Line& line);  // keeps its beginning, and skips the rest
  [[nodiscard]] Expected<bool> fill();  // more bytes behind what is left; false at the end

  const ListFile& file_;
  char end_;
  std::string block_, cut_;
  std::uint64_t block_begins_ = 0;
  std::size_t at_ = 0;
  std::int64_t number_ = 0;
};

}  // namespace photoscribe
