// files_options: the flags of `export` for files beside photos and captions inside them.
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
  std::string layout = "coco";
  std::int64_t shard_photos = CaptionsJob{}.shard_photos;
  /// As the parser has them, to see whether they were given.
  CLI::Option *max_characters_given = nullptr, *layout_given = nullptr,
              *shard_photos_given = nullptr, *sidecars_given = nullptr;
};

/// Adds them in groups of their own in the verb's help. `options` must outlive the parse.
void add_files_options(CLI::App& verb, FilesOptions& options);

/// Formats written beside photos or into them: xmp, iptc, txt, and alt with --sidecars.
[[nodiscard]] bool writes_files(const std::string& format, const FilesOptions& options);

/// The job, except for what other flags set (which run, which photos). Fails with usage.
[[nodiscard]] Expected<FilesJob> files_job(const std::string& format, const FilesOptions& options);

/// Fails with usage when a flag was given that this format has no use for: --max-chars, --layout,
/// --shard-size and --sidecars, each of which is for one or two formats.
[[nodiscard]] Status check_format_options(const std::string& format, const FilesOptions& options);

/// Fails with usage when a flag was given that is only for those formats.
[[nodiscard]] Status check_no_files_options(const FilesOptions& options);

/// Formats that write chosen captions as a stream or as shards: alt, html, dataset, webdataset.
[[nodiscard]] bool writes_captions(const std::string& format);
/// The job, except for what other flags set.
[[nodiscard]] CaptionsJob captions_job(const std::string& format, const FilesOptions& options);
[[nodiscard]] int run_captions_job(const CaptionsJob& job);

/// Does the job and prints what it did. Returns the exit status.
[[nodiscard]] int run_files_job(const FilesJob& job, bool json);
[[nodiscard]] int run_undo(const std::string& database, const std::string& log);

}  // namespace photoscribe::cli
