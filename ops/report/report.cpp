#include "ops/report/report.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <utility>

#include "ops/report/evaluation.h"
#include "ops/report/gallery.h"

namespace photoscribe::report {
namespace {

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

/// Sums of worker time, for the means.
struct StageSums {
  std::int64_t photos = 0, captioned = 0;
  double read_us = 0, decode_us = 0, caption_us = 0;

  void add(const ResultRow& photo) {
    if (!photo.read_us) return;
    ++photos;
    read_us += static_cast<double>(*photo.read_us);
    decode_us += static_cast<double>(photo.decode_us.value_or(0));
    if (!photo.caption) return;
    ++captioned;
    caption_us += static_cast<double>(photo.caption_us.value_or(0));
  }
  [[nodiscard]] StageTimes means() const {
    const double all = static_cast<double>(std::max<std::int64_t>(1, photos)) * 1'000;
    const double with_caption = static_cast<double>(std::max<std::int64_t>(1, captioned)) * 1'000;
    return {photos, read_us / all, decode_us / all, caption_us / with_caption};
  }
};

class Reporter {
 public:
  Reporter(Lookup& store, RunId run, const ReportOptions& options)
      : store_(store), run_(run), options_(options), gallery_(options.gallery_photos) {}

  Expected<Report> make(Lookup* against_store, std::optional<RunId> against) {
    Expected<StoreSummary> summary = store_.summary(run_);
    if (!summary) return fail(summary.error());
    report_.summary = std::move(*summary);
    report_.version = PHOTOSCRIBE_VERSION;
    report_.made_at = utc_now();
    report_.database = options_.database;
    report_.model_card = options_.model_card;
    if (Status read = read_photos(); !read) return fail(read.error());
    if (Status scored = score(against_store, against); !scored) return fail(scored.error());
    if (Status filled = fill_gallery(); !filled) return fail(filled.error());
    return std::move(report_);
  }

 private:
  Status read_photos() {
    const bool scored = report_.summary.images_with_references > 0;
    StageSums stages;
    std::map<std::int64_t, std::int64_t> by_second;
    Status read = store_.for_each_result(run_, [&](const ResultRow& photo) -> Status {
      if (!photo.asked) return {};
      if (photo.blur_score) report_.blur.add(*photo.blur_score);
      if (photo.tokens) report_.length.add(static_cast<double>(*photo.tokens));
      if (photo.finished_unix_ms) ++by_second[*photo.finished_unix_ms / 1'000];
      stages.add(photo);
      gallery_.offer(photo);
      if (!scored) return {};
      const Expected<std::vector<std::string>> references = store_.references_of(photo.image_id);
      if (!references) return fail(references.error());
      if (!references->empty()) evaluator_.add(photo, *references);
      return {};
    });
    report_.pace = pace_of(by_second);
    report_.stages = stages.means();
    return read;
  }

  Status score(Lookup* against_store, std::optional<RunId> against) {
    std::optional<std::string> other;
    if (against_store != nullptr && against) {
      const Expected<RunRow> row = against_store->run(*against);
      if (!row) return fail(row.error());
      other = row->name;
      Status read = against_store->for_each_result(*against, [&](const ResultRow& photo) -> Status {
        evaluator_.add_against(photo);
        return {};
      });
      if (!read) return read;
    }
    if (evaluator_.empty() && !other) return {};
    Expected<Evaluation> evaluation = evaluator_.finish(report_.summary.run, options_, other);
    if (!evaluation) return fail(evaluation.error());
    report_.evaluation = std::move(*evaluation);
    gallery_.offer_scores(evaluator_);
    return {};
  }

  Status fill_gallery() {
    gallery_.settle();
    std::map<std::string, std::string> folders;
    const Expected<std::vector<Root>> roots = store_.roots(run_);
    if (!roots) return fail(roots.error());
    for (const Root& root : *roots) folders[root.name] = root.folder;
    std::map<std::size_t, GalleryPhoto> chosen;  // by rank
    std::map<std::size_t, std::string> files;
    Status read = store_.for_each_result(run_, [&](const ResultRow& photo) -> Status {
      std::vector<std::string> galleries = gallery_.galleries_of(photo.image_id);
      if (galleries.empty()) return {};
      Expected<GalleryPhoto> one = gallery_photo(photo);
      if (!one) return fail(one.error());
      one->galleries = std::move(galleries);
      const std::size_t rank = gallery_.rank_of(photo.image_id);
      files.emplace(rank, folders[photo.root] + "/" + photo.path);
      chosen.emplace(rank, std::move(*one));
      return {};
    });
    if (!read) return read;
    for (auto& [rank, photo] : chosen) report_.gallery.push_back(std::move(photo));
    if (!options_.thumbnails) return {};
    std::vector<std::string> names;
    for (auto& [rank, file] : files) names.push_back(std::move(file));
    std::vector<std::string> pictures = options_.thumbnails(names);
    for (std::size_t i = 0; i < std::min(pictures.size(), names.size()); ++i) {
      report_.gallery[i].thumbnail = std::move(pictures[i]);
    }
    return {};
  }

  Expected<GalleryPhoto> gallery_photo(const ResultRow& row) {
    GalleryPhoto photo;
    photo.uri = row.uri;
    photo.name = row.uri.substr(row.uri.rfind('/') + 1);
    photo.state = row.state;
    photo.blur_score = row.blur_score.value_or(0);
    photo.width_px = row.width_px.value_or(0);
    photo.height_px = row.height_px.value_or(0);
    photo.caption = row.caption;
    photo.edited = row.edited_caption;
    photo.confidence = confidence_of(row);
    if (const PhotoScore* score = evaluator_.score_of_photo(row.image_id)) {
      photo.bleu = bleu(score->counts);
      photo.rouge_l = score->rouge_l;
      photo.cider_d = score->cider_d;
    }
    Expected<std::vector<std::string>> references = store_.references_of(row.image_id);
    if (!references) return fail(references.error());
    photo.references = std::move(*references);
    return photo;
  }

  Lookup& store_;
  RunId run_;
  const ReportOptions& options_;
  Report report_;
  Evaluator evaluator_;
  GalleryBuilder gallery_;
};

}  // namespace

const std::vector<PublishedScore>& published_scores() {
  static const std::vector<PublishedScore> all = {
      {"Show and Tell (GoogLeNet, LSTM)",
       {63, 41, 27, 0},
       "Vinyals et al. 2015, as given in Xu et al. 2015, table 1"},
      {"Show, Attend and Tell, soft attention", {67, 44.8, 29.9, 19.5}, "Xu et al. 2015, table 1"},
      {"Show, Attend and Tell, hard attention", {67, 45.7, 31.4, 21.3}, "Xu et al. 2015, table 1"},
      {"CLIP ViT-B/16 features and an LSTM",
       {69.4, 50.2, 36.1, 25.9},
       "a public rerun on its own random split, greedy search"},
  };
  return all;
}

Expected<Report> make_report(Lookup& store, RunId run, const ReportOptions& options,
                             Lookup* against_store, std::optional<RunId> against) {
  return Reporter(store, run, options).make(against_store, against);
}

}  // namespace photoscribe::report
