// sources: from the PHOTOS a person names to the files of a run: which roots there are, and a walk
// over them (design.md 6, "Which files of a folder are photos").
//
// File names are raw bytes throughout. The walk opens folders, never a photo: whether something
// named .jpg is one is for the worker to find out, so pipes and dangling links are listed, and get
// their reason there. Archives are opened for the list of their members. What cannot be read is
// counted and named, and its rows in the store stay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/scores/caption_file.h"
#include "scheduler/store/run_types.h"
#include "scheduler/store/scan.h"

namespace photoscribe {

/// Where a walk begins: a folder, one file or one archive of a root.
struct SourceStart {
  int root = 0;      // index into SourcePlan::roots
  std::string path;  // relative to the root; "" is the root itself
  bool is_file = false;
  bool named = true;  // false: a root of the database that lies inside a folder that was named
  bool is_archive = false;  // is_file, too: its members are the photos
};

/// A photo of a web server, or the photos of a bucket (remote_sources.h).
struct RemoteStart {
  int root = 0;
  std::string path;
  bool is_prefix = false;  // of S3
};
/// A file with one URL a line.
struct UrlList {
  std::string file;  // "-": standard input, which is in `text`
  std::string text;
};

/// Roots and starting points. No start lies inside another, so no photo comes twice.
struct SourcePlan {
  std::vector<Root> roots;  // only those that have a start
  std::vector<SourceStart> starts;
  std::vector<RemoteStart> remote;
  std::vector<UrlList> url_lists;
  /// Folders (root index, relative path) that a walk of that root leaves to another root which lies
  /// inside it and has rows of its own.
  std::vector<SourceStart> left_to_other_roots;
  /// Folders and files outside the roots into which links may lead: absolute, real.
  std::vector<std::string> link_stores;
};

/// Makes a plan from command-line arguments. `known` are the run's roots so far: a folder that is,
/// or lies in, one of them keeps that root; a new folder's root is named after it ([a-z0-9_-], made
/// unique). A single file's root is its folder; one that is a link may be read where it leads. A
/// tar or zip is an archive by its first bytes, unless its name is a photo's.
/// `follow_links`: further places into which links may lead. Fails with `usage` for an argument
/// that does not exist, that is clearly not a photo, or when there is none, and with
/// `environment` for one that cannot be read.
[[nodiscard]] Expected<SourcePlan> plan_sources(std::span<const std::string> arguments,
                                                std::span<const Root> known,
                                                std::span<const std::string> follow_links = {});

/// What a file that was named as a photo is instead, and what to do with it; nothing if it may be
/// one, judging by its name and first bytes. `file` is opened only if it is a regular
/// file.
[[nodiscard]] std::optional<std::string> what_else_it_is(const std::string& file);

/// Whether a file is an archive whose members are photos: a tar, compressed or not, or a zip, by
/// its first bytes; not if its name is a photo's, or if it is a document that only looks like one.
[[nodiscard]] bool is_archive(const std::string& file);

struct WalkOptions {
  bool all_files = false;  // also names without a known image extension
  bool archives = false;   // archives in folders are looked into; those that are named always are
  SidecarText sidecar_text = SidecarText::keep;  // of tars
  /// Archives that the run's last scan has been through: unchanged ones are not read again.
  std::vector<KnownArchive> known_archives;
  /// Globs (fnmatch) on the relative path or, without a slash in them, on the file name. With
  /// `include`, a file must match one of them; `exclude` wins. A folder that matches `exclude` is
  /// not entered.
  std::vector<std::string> include, exclude;
  /// Only files of these names (base names; also without their extension), or all.
  std::shared_ptr<const PhotoNames> only_names;
  bool sidecars = true;  // what exports of Takeout, Facebook … say of their photos is read, too
  std::optional<std::int64_t> limit;  // ends after this many files
  /// Asked now and then, for a walk may take long; false ends it.
  std::function<bool()> goes_on;
  /// Whether an archive that is new or changed may be listed now: somebody may be writing it. None:
  /// all.
  std::function<bool(const std::string& absolute, const FoundFile& file)> is_settled;
};

/// What a walk met.
struct WalkReport {
  std::int64_t files = 0;    // handed out
  std::int64_t folders = 0;  // entered
  std::vector<SkippedExtension>
      skipped;                // neither image nor asked for by all_files; most frequent first
  std::int64_t filtered = 0;  // left out by include, exclude or only_names
  std::vector<std::string> warnings;  // link loops …; text for a person
  /// Folders that cannot be opened, paths that cannot be read, links that lead out: the first of
  /// them, and how many in all.
  std::vector<NotSeen> not_seen;
  std::int64_t not_seen_count = 0;
  /// Where they are: rows in the store that were not found there stay unchanged.
  std::vector<Scan::Unknown> unknown;
  bool reached_limit = false;
  std::map<std::string, std::int64_t>
      described;  // photos by the export that says something of them
  /// The starts that were walked: where rows may be marked vanished. Empty when a filter or the
  /// limit applied.
  std::vector<Scan::Walked> walked;
  /// Folders of the plan without anything that looks like a photo, filters or not. An
  /// empty mount point looks like that, so none of them is in `walked`.
  std::vector<SourceStart> barren;
};

/// Walks a plan, a batch at a time, in a fixed order: starts as planned; within a folder by bytes
/// of the name (folders of over a million names: as the file system gives them). Memory: the names
/// of the folders on the way down.
class Walker {
 public:
  Walker(SourcePlan plan, WalkOptions options);
  Walker(Walker&&) noexcept;
  Walker& operator=(Walker&&) noexcept;
  ~Walker();

  /// Up to `count` more files, and archives that were walked (FoundFile::archive); an empty vector
  /// is the end. Fails with `environment` when a start that was named cannot be read; a folder
  /// further down that cannot is not_seen.
  [[nodiscard]] Expected<std::vector<FoundFile>> next(std::size_t count = 10'000);

  /// Complete after the end.
  [[nodiscard]] const WalkReport& report() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace photoscribe
