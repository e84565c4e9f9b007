#include "ops/cli/export/tar_writer.h"

#include <fmt/format.h>

namespace photoscribe::cli {
namespace {

constexpr std::size_t kBlock = 512;

void put(std::string& header, std::size_t at, std::string_view text) {
  header.replace(at, text.size(), text);
}

}  // namespace

std::string tar_header(std::string_view name, std::int64_t size) {
  std::string header(kBlock, '\0');
  put(header, 0, name.substr(0, 100));
  put(header, 100, "0000644");
  put(header, 108, "0000000");
  put(header, 116, "0000000");
  put(header, 124, fmt::format("{:011o}", size));
  put(header, 136, "00000000000");
  put(header, 148, "        ");
  put(header, 156, "0");
  put(header, 257, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(header, 148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return header;
}

std::string tar_padding(std::int64_t size) {
  const auto rest = static_cast<std::size_t>(size) % kBlock;
  return std::string(rest == 0 ? 0 : kBlock - rest, '\0');
}

std::string tar_end() { return std::string(2 * kBlock, '\0'); }

}  // namespace photoscribe::cli
