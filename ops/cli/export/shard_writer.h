// shard_writer: WebDataset shards: tar archives of 000000001.jpg, .txt and .json for each photo. A
// shard gets its name only when it is complete.
#pragma once

#include <memory>
#include <string>

#include "common/core/output_file.h"
#include "ops/cli/export/photo_writer.h"

namespace photoscribe::cli {

class ShardWriter {
 public:
  ShardWriter(std::string folder, std::int64_t shard_photos)
      : folder_(std::move(folder)), shard_photos_(shard_photos) {}
  /// Fails with bad_payload, whose message is the whole reason, when the photo cannot be included,
  /// and with environment.
  [[nodiscard]] Status add(const CaptionedPhoto& photo);
  [[nodiscard]] Status finish();
  [[nodiscard]] std::int64_t shards() const { return shards_; }

 private:
  [[nodiscard]] Status member(const std::string& name, std::string_view bytes);
  [[nodiscard]] Status photo_member(const std::string& name, int descriptor, std::int64_t size);
  std::string folder_;
  std::int64_t shard_photos_;
  std::int64_t photos_ = 0, shards_ = 0;  // photos: in the open shard
  std::unique_ptr<OutputFile> out_;
};

}  // namespace photoscribe::cli
