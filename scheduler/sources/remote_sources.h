// remote_sources: photos that are no files of this machine: URLs, lists of URLs, prefixes of S3.
//
// A URL is a photo whatever its name; whether there is one is for the worker to find out. A bucket
// is listed page by page. Nothing of a web server is asked here.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/core/remote_settings.h"
#include "scheduler/sources/sources.h"

namespace photoscribe {

/// Adds to `plan` what these URLs (of web servers and of S3) and lists (one URL a line; "-":
/// standard input) name. `known`: as plan_sources(). A list is read once for its servers, and again
/// by the walk. Fails with usage: what is no URL, or a list that cannot be read, or too many
/// servers.
[[nodiscard]] Status add_remote_sources(SourcePlan& plan, std::span<const std::string> urls,
                                        std::span<const std::string> lists,
                                        std::span<const Root> known);

/// The walk over them, as Walker is that over folders.
class RemoteWalker {
 public:
  RemoteWalker(const SourcePlan& plan, WalkOptions options, const RemoteSettings& settings);
  RemoteWalker(const RemoteWalker&) = delete;
  RemoteWalker& operator=(const RemoteWalker&) = delete;
  ~RemoteWalker();

  /// Up to `count` more photos, or some more where a page of a bucket ends; an empty vector is the
  /// end. Fails with environment: a bucket that cannot be listed.
  [[nodiscard]] Expected<std::vector<FoundFile>> next(std::size_t count = 10'000);

  /// Complete after the end. A malformed line of a list is not_seen.
  [[nodiscard]] const WalkReport& report() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Adds what another walk of the same plan met.
void add_report(WalkReport& to, const WalkReport& from);

}  // namespace photoscribe
