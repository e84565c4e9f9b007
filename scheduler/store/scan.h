// scan: compares a run's manifest with the files on disk.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "common/core/error.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

/// One pass over a run's sources: rows for new photos, a new attempt for changed ones. Must not
/// outlive its store. It keeps one bit per image in memory.
class Scan {
 public:
  /// A part of a root that was walked completely: rows there that were not found have vanished.
  struct Walked {
    int root = 0;             // index into the roots given to begin_scan
    std::string prefix;       // relative folder or file; "" is the whole root
    bool every_name = false;  // files without an image extension were looked for, too (--all-files)
    bool archives = false;    // archives in it were looked into, too
  };

  /// A folder or file of a root whose contents are unknown.
  struct Unknown {
    int root = 0;
    std::string prefix;  // as in Walked
  };

  /// Adds or compares these files, in one transaction, and notes the archives among them. Cheapest
  /// in batches of thousands. A file that is named twice counts once.
  [[nodiscard]] Status add(std::span<const FoundFile> files);

  /// So far.
  [[nodiscard]] const ScanCounts& counts() const;

  /// Ends the scan: images that were not found are no longer asked for; those in one of `walked`
  /// are marked vanished (pass nothing when a filter, a limit or an unreadable folder makes "not
  /// found" meaningless). Images below one of `unknown` that were not found stay unchanged.
  /// Stores `skipped` for the summary.
  [[nodiscard]] Expected<ScanCounts> finish(std::span<const Walked> walked,
                                            std::span<const SkippedExtension> skipped,
                                            std::span<const Unknown> unknown = {});

  Scan(Scan&&) noexcept;
  Scan& operator=(Scan&&) noexcept;
  ~Scan();

 private:
  friend class Manifest;
  struct Impl;
  explicit Scan(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace photoscribe
