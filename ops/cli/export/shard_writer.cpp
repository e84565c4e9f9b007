#include "ops/cli/export/shard_writer.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/text/safe_text.h"
#include "common/text/utf8.h"
#include "ops/cli/export/tar_writer.h"

namespace photoscribe::cli {
namespace {

/// "jpg": short, lower case, only letters and digits, since a key ends at its first dot.
std::string extension_of(const std::string& path) {
  const auto dot = path.rfind('.');
  std::string out;
  if (dot != std::string::npos && path.find('/', dot) == std::string::npos) {
    for (const char c : path.substr(dot + 1)) {
      const bool upper = c >= 'A' && c <= 'Z';
      if (upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        out += upper ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return out.empty() || out.size() > 8 || out == "txt" || out == "json" ? "jpg" : out;
}

std::string about(const CaptionedPhoto& photo) {
  const ResultRow& row = photo.row;
  nlohmann::ordered_json object{{"uri", replaced(row.uri)},
                                {"path", replaced(photo.file.path)},
                                {"caption", replaced(photo.caption.text)},
                                {"edited", photo.caption.edited}};
  if (photo.caption.confidence) object["confidence"] = *photo.caption.confidence;
  if (row.width_px) object["width"] = *row.width_px;
  if (row.height_px) object["height"] = *row.height_px;
  if (row.sha256) object["sha256"] = *row.sha256;
  return object.dump();
}

}  // namespace

Status ShardWriter::member(const std::string& name, std::string_view bytes) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  if (Status added = out_->add(tar_header(name, size)); !added) return added;
  if (Status added = out_->add(bytes); !added) return added;
  return out_->add(tar_padding(size));
}

Status ShardWriter::photo_member(const std::string& name, int descriptor, std::int64_t size) {
  if (Status added = out_->add(tar_header(name, size)); !added) return added;
  std::string block;
  for (std::int64_t at = 0; at < size; at += static_cast<std::int64_t>(block.size())) {
    block.resize(static_cast<std::size_t>(std::min<std::int64_t>(1 << 20, size - at)));
    ssize_t got = -1;
    do {
      got = ::pread(descriptor, block.data(), block.size(), at);
    } while (got < 0 && errno == EINTR);
    // The header already has the size: the shard would be broken.
    if (got <= 0) return fail(Errc::environment, name + ": it cannot be read to the end");
    block.resize(static_cast<std::size_t>(got));
    if (Status added = out_->add(block); !added) return added;
  }
  return out_->add(tar_padding(size));
}

Status ShardWriter::add(const CaptionedPhoto& photo) {
  if (Status same = check_unchanged(photo); !same) return same;
  const FileDescriptor file(
      ::open(photo_file(photo.file).c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat there {};
  if (!file.valid() || ::fstat(file.get(), &there) != 0) return cannot_change("", errno);
  if (!S_ISREG(there.st_mode)) return fail(Errc::bad_payload, "it is not a regular file");
  if (there.st_size > kTarMemberMax) return fail(Errc::bad_payload, "it is larger than 8 GiB");
  if (!out_) {
    std::error_code failed;
    std::filesystem::create_directories(folder_, failed);
    if (failed) return fail(Errc::environment, shown(folder_) + ": " + failed.message());
    auto opened = OutputFile::open(folder_ + fmt::format("/shard-{:06}.tar", shards_));
    if (!opened) return fail(opened.error());
    out_ = std::move(*opened);
    ++shards_;
  }
  const std::string key = fmt::format("{:09}.", photo.row.image_id);
  if (Status added = photo_member(key + extension_of(photo.file.path), file.get(), there.st_size);
      !added)
    return added;
  if (Status added = member(key + "txt", replaced(photo.caption.text)); !added) return added;
  if (Status added = member(key + "json", about(photo)); !added) return added;
  return ++photos_ >= shard_photos_ ? finish() : Status();
}

Status ShardWriter::finish() {
  if (!out_) return {};
  if (Status ended = out_->add(tar_end()); !ended) return ended;
  if (Status whole = out_->finish(); !whole) return whole;
  out_.reset();
  photos_ = 0;
  return {};
}

}  // namespace photoscribe::cli
