// write_captions: an export of chosen captions as one stream, or as WebDataset shards, which
// include the photos.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "ops/cli/export/chosen_caption.h"
#include "ops/cli/export/write_files.h"

namespace photoscribe::cli {

struct CaptionsJob {
  std::string database;
  std::string run;                  // empty: the newest
  std::string format;               // alt, html, dataset, webdataset
  std::string layout = "coco";      // of dataset: coco, karpathy, flickr8k
  std::string output;               // a file (empty: standard output); of webdataset a folder
  std::vector<std::string> states;  // empty: all
  std::int64_t limit = 0;           // photos; 0: all
  CaptionChoice choice;
  AltTextStyle alt;
  std::int64_t shard_photos = 1000;
};

struct CaptionsReport {
  std::int64_t captions = 0, without_caption = 0;
  std::int64_t shards = 0;
  std::map<std::string, Refusals> refused;  // photos that could not be included, by reason
  bool stopped = false;
};

/// Fails with usage, environment and the store's errors.
[[nodiscard]] Expected<CaptionsReport> write_captions(const CaptionsJob& job,
                                                      const StopHandle& stop);

/// Counts, for standard error.
[[nodiscard]] std::string captions_text(const CaptionsJob& job, const CaptionsReport& report);

}  // namespace photoscribe::cli
