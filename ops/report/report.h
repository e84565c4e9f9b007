// report: everything about a run that people look at, as numbers: scores with intervals,
// histograms, pace, failures, and a few photos. page.h and tables.h format it.
//
// It reads only the database; thumbnails come from the caller, and a photo that is gone has none.
// Scores are those of coco-caption on PTB tokens (design.md 8).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/scores/bootstrap.h"
#include "common/scores/chair_corpus.h"
#include "common/scores/confidence_fit.h"
#include "common/scores/score_corpus.h"
#include "ops/report/histogram.h"
#include "scheduler/store/lookup.h"

namespace photoscribe::report {

/// One line of the headline table.
struct ScoreLine {
  std::string name;
  std::int64_t photos = 0;
  std::string signature;
  CorpusScore score;
  ScoreIntervals intervals;  // 95 %, by bootstrap over photos
  ChairCounts chair_counts;
  ChairScore chair;  // with the built-in list of objects
  ChairIntervals chair_intervals;
};

/// Scores that another paper or program reports on Flickr8k, out of 100.
struct PublishedScore {
  const char* name;
  double bleu[4];
  const char* source;
};
[[nodiscard]] const std::vector<PublishedScore>& published_scores();

/// Two runs, compared on the photos for which both show a caption.
struct AgainstRun {
  std::string run;  // the other one
  std::int64_t photos = 0;
  PairedComparison scores;
};

struct Evaluation {
  ScoreLine all;    // a photo without a shown caption counts as an empty caption
  ScoreLine clear;  // captions that are shown
  std::optional<ScoreLine> with_unsure;  // unsure ones, too; none if there are none
  std::int64_t unsure = 0, blurred = 0, failed = 0, pending = 0;  // of the photos with references
  std::int64_t references = 0;                                    // captions
  std::optional<Reliability> reliability;                         // when the model has a confidence
  std::vector<PrecisionCurve> precision;  // all captions, and each root's if there are several
  Histogram bleu4 = unit_histogram();     // sentence BLEU-4 of all captions
  std::optional<AgainstRun> against;
};

/// Worker time per photo, means in milliseconds.
struct StageTimes {
  std::int64_t photos = 0;
  double read_ms = 0, decode_ms = 0, caption_ms = 0;  // caption: over captioned photos
};

/// A photo to look at.
struct GalleryPhoto {
  std::vector<std::string> galleries;  // "best", "worst", "most confident" …
  std::string name, uri;
  std::string state;
  double blur_score = 0;
  int width_px = 0, height_px = 0;
  std::optional<std::string> caption;  // the model's, which is scored
  std::optional<std::string> edited;   // a person's
  std::optional<double> confidence;    // see confidence_of() in gallery.h
  std::optional<std::array<double, 4>> bleu;
  std::optional<double> rouge_l, cider_d;
  std::vector<std::string> references;
  std::string thumbnail;  // JPEG bytes; empty if the photo cannot be read any more
};

struct Report {
  std::string version, made_at;  // of photoscribe; UTC
  std::string database;
  StoreSummary summary;
  std::string model_card;  // Markdown; empty if the model's folder is not available
  std::optional<Evaluation> evaluation;
  Histogram blur = blur_histogram(), length = length_histogram();
  Pace pace;
  StageTimes stages;
  std::vector<GalleryPhoto> gallery;
};

/// One JPEG per file, "" for those that cannot be read now.
using Thumbnailer = std::function<std::vector<std::string>(const std::vector<std::string>& files)>;

struct ReportOptions {
  std::string database;    // for people
  std::string model_card;  // as in Report
  int resamples = 1000;
  std::uint64_t seed = 12345;
  int threads = 1;
  std::size_t gallery_photos = 24;  // of each kind
  Thumbnailer thumbnails;           // none: a report without pictures
};

/// Everything about one run. With `against`, its scores are compared with those of that run (in
/// `against_store`, which may be the same store), photo by photo; fails with usage when they have
/// no captioned photo with references in common.
[[nodiscard]] Expected<Report> make_report(Lookup& store, RunId run, const ReportOptions& options,
                                           Lookup* against_store = nullptr,
                                           std::optional<RunId> against = std::nullopt);

}  // namespace photoscribe::report
