#include "ops/cli/export/files_options.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>

#include "common/core/standard_output.h"
#include "ops/cli/run/stop_signals.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"

namespace photoscribe::cli {
namespace {

constexpr const char* kCaptions = "Captions for others (alt, dataset, webdataset)";
constexpr const char* kGroup = "Beside photos and in them (xmp, iptc, txt)";

tl::unexpected<Error> wrong(const std::string& why) { return fail(Errc::usage, why); }

}  // namespace

void add_files_options(CLI::App& verb, FilesOptions& options) {
  const auto flag = [&verb](const char* name, bool& value, const char* help) {
    verb.add_flag(name, value, help)->group(kGroup);
  };
  const auto option = [&verb](const char* name, std::string& value, const char* type,
                              const char* help) {
    return verb.add_option(name, value, help)->type_name(type)->group(kGroup);
  };
  option("--into", options.into, "FOLDER",
         "write the same tree below FOLDER, for photos in read-only folders");
  option("--style", options.style, "STYLE",
         "photo: IMG_1.jpg.xmp (the default); lightroom: IMG_1.xmp")
      ->check(CLI::IsMember({"photo", "lightroom"}));
  flag("--in-place", options.in_place,
       "xmp, iptc: into the photo itself (xmp: JPEG, PNG, WebP, TIFF; iptc: JPEG);\n"
       "every other byte, its times, owner and mode stay as they are");
  options.sidecars_given =
      verb.add_flag("--sidecars", options.sidecars, "alt: IMG_1.jpg.alt.txt beside each photo")
          ->group(kGroup);
  flag("--overwrite", options.overwrite,
       "replace other people's text, too; without it only what an export wrote");
  flag("--dry-run", options.dry_run, "say what would be written, and write nothing");
  option("--undo-log", options.undo_log, "FILE",
         "how to undo it (default: DATABASE.undo-TIME.jsonl)");
  option("--undo", options.undo, "FILE", "undo the export that wrote this log");
  flag("--json", options.json, "the summary as one JSON object");
  options.max_characters_given =
      verb.add_option("--max-chars", options.max_characters,
                      "alt: cut after a word at this length (default: 125); txt: the same")
          ->type_name("N")
          ->check(CLI::Range(10, 10000))
          ->group(kCaptions);
  options.layout_given = verb.add_option("--layout", options.layout,
                                         "dataset: coco (the default), karpathy or flickr8k")
                             ->type_name("NAME")
                             ->check(CLI::IsMember({"coco", "karpathy", "flickr8k"}))
                             ->group(kCaptions);
  options.shard_photos_given = verb.add_option("--shard-size", options.shard_photos,
                                               "webdataset: photos in a shard (default: 1000)")
                                   ->type_name("N")
                                   ->check(CLI::Range(1, 1'000'000))
                                   ->group(kCaptions);
}

bool writes_captions(const std::string& format) {
  return format == "alt" || format == "html" || format == "dataset" || format == "webdataset";
}

CaptionsJob captions_job(const std::string& format, const FilesOptions& options) {
  CaptionsJob job;
  job.format = format;
  job.layout = options.layout;
  job.alt = AltTextStyle{options.max_characters};
  job.shard_photos = options.shard_photos;
  return job;
}

bool writes_files(const std::string& format, const FilesOptions& options) {
  return format == "xmp" || format == "iptc" || format == "txt" ||
         (format == "alt" && options.sidecars);
}

Status check_format_options(const std::string& format, const FilesOptions& options) {
  const auto fits = [&](std::initializer_list<const char*> formats) {
    return std::find(formats.begin(), formats.end(), format) != formats.end();
  };
  if (options.max_characters_given->count() > 0 && !fits({"txt", "alt"}))
    return wrong("--max-chars is for --format alt and txt");
  if (options.layout_given->count() > 0 && !fits({"dataset"}))
    return wrong("--layout is for --format dataset");
  if (options.shard_photos_given->count() > 0 && !fits({"webdataset"}))
    return wrong("--shard-size is for --format webdataset");
  if (options.sidecars_given->count() > 0 && !fits({"alt"}))
    return wrong("--sidecars is for --format alt; xmp and txt write them anyway");
  return {};
}

Status check_no_files_options(const FilesOptions& options) {
  if (!options.into.empty() || options.in_place || options.overwrite || options.dry_run ||
      !options.undo_log.empty() || options.style != "photo" || options.json)
    return wrong(
        "--into, --style, --in-place, --overwrite, --dry-run, --undo-log and --json are for "
        "--format xmp, iptc and txt, and for alt with --sidecars");
  return {};
}

Expected<FilesJob> files_job(const std::string& format, const FilesOptions& options) {
  FilesJob job;
  job.in_place = options.in_place;
  job.dry_run = options.dry_run;
  job.list = !options.json;  // whose standard output is one object
  job.undo_log = options.undo_log;
  job.rules.overwrite = options.overwrite;
  SidecarPlace& place = job.rules.place;
  if (!options.into.empty()) {
    std::error_code failed;
    place.into = std::filesystem::absolute(options.into, failed).lexically_normal().string();
  }
  if (options.in_place && (!options.into.empty() || options.style != "photo"))
    return wrong("--in-place writes into the photos: leave out --into and --style");
  if (format == "xmp" || format == "iptc") {
    if (format == "iptc" && !options.in_place)
      return wrong(
          "IPTC is stored in the photo itself: add --in-place; for a sidecar use --format xmp");
    job.format = format == "xmp" ? FileFormat::xmp : FileFormat::iptc;
    place.extension = ".xmp";
    place.style = options.style == "photo" ? SidecarStyle::photo : SidecarStyle::lightroom;
    return job;
  }
  if (options.in_place || options.style != "photo")
    return wrong("--in-place and --style are for --format xmp and iptc");
  job.format = FileFormat::text;
  const bool alt = format == "alt";
  // IMG_1.txt is what training programs look for, so the alternative text has another name.
  place.style = alt ? SidecarStyle::photo : SidecarStyle::lightroom;
  place.extension = alt ? ".alt.txt" : ".txt";
  if (alt || options.max_characters_given->count() > 0)
    job.rules.alt = AltTextStyle{options.max_characters};
  return job;
}

int run_files_job(const FilesJob& job, bool json) {
  StopHandle stop;
  const StopSignals signals(stop);
  const Expected<FilesReport> report = write_files(job, stop);
  if (!report) return cli::report("export", report.error());
  write_standard_output(json ? files_json(job, *report) : files_text(job, *report));
  if (report->stopped) return kExitStopped;
  return report->refused.empty() ? kExitDone : kExitFailedPhotos;
}

int run_captions_job(const CaptionsJob& job) {
  StopHandle stop;
  const StopSignals signals(stop);
  const Expected<CaptionsReport> report = write_captions(job, stop);
  if (!report) return cli::report("export", report.error());
  if (report->stopped) return kExitStopped;
  write_all(STDERR_FILENO, captions_text(job, *report));
  return report->refused.empty() ? kExitDone : kExitFailedPhotos;
}

int run_undo(const std::string& database, const std::string& log) {
  StopHandle stop;
  const StopSignals signals(stop);
  const Expected<UndoReport> report = undo_files(database, log, stop);
  if (!report) return cli::report("export", report.error());
  write_standard_output(undo_text(*report));
  if (report->stopped) return kExitStopped;
  return report->refused.empty() ? kExitDone : kExitFailedPhotos;
}

}  // namespace photoscribe::cli
