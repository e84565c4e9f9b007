// files_options: the flags of `export` that are for files beside photos and words in them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "ops/cli/export/write_captions.h"
#include "ops/cli/export/write_files.h"

namespace photoscribe::cli {

struct FilesOptions {
  std::string style = "photo";
  std::string into;
  bool in_place = false;
  bool sidecars = false;
  bool overwrite = false;
  bool dry_run = false;
  bool json = false;
  std::size_t max_characters = AltTextStyle{}.max_characters;
  std::string undo, undo_log;
  CLI::Option* max_characters_given = nullptr;
  std::string layout = "coco";
  std::int64_t shard_photos = CaptionsJob{}.shard_photos;
};

/// In a group of their own of the verb's help. `options` must outlive the parse.
void add_files_options(CLI::App& verb, FilesOptions& options);

/// Formats that are files beside photos, or in them: xmp, iptc, txt, and alt with --sidecars.
[[nodiscard]] bool writes_files(const std::string& format, const FilesOptions& options);

/// The job but for what other flags say of it (which run, which photos). Fails with usage.
[[nodiscard]] Expected<FilesJob> files_job(const std::string& format, const FilesOptions& options);

/// Fails with usage when a flag was given that only those formats have.
[[nodiscard]] Status check_no_files_options(const FilesOptions& options);

/// Formats of chosen captions as a stream, or as shards: alt, html, dataset, webdataset.
[[nodiscard]] bool writes_captions(const std::string& format);
/// The job but for what other flags say of it.
[[nodiscard]] CaptionsJob captions_job(const std::string& format, const FilesOptions& options);
[[nodiscard]] int run_captions_job(const CaptionsJob& job);

/// Does the job and says what it did. The exit status.
[[nodiscard]] int run_files_job(const FilesJob& job, bool json);
[[nodiscard]] int run_undo(const std::string& database, const std::string& log);

}  // namespace photoscribe::cli
