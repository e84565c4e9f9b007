#include "ops/cli/export/write_captions.h"

#include <algorithm>

#include "common/core/output_file.h"
#include "common/core/standard_output.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/export/caption_formats.h"
#include "ops/cli/export/files_progress.h"
#include "ops/cli/export/shard_writer.h"
#include "ops/cli/run/choose_run.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

using EachPhoto = std::function<Status(const CaptionedPhoto&)>;

/// Calls `each` for every photo with a caption, and counts.
Status for_each_caption(const CaptionsJob& job, Store& store, RunId run, const StopHandle& stop,
                        CaptionsReport& report, const EachPhoto& each) {
  const Expected<RunCounts> counts = store.counts(run);
  if (!counts) return fail(counts.error());
  FilesProgress progress(counts->asked.total() + counts->others.total());
  report.captions = report.without_caption = 0;
  std::int64_t photos = 0;
  const Status read = store.for_each_result(run, [&](const ResultRow& row) -> Status {
    report.stopped = stop.requests() > 0;
    const bool enough = job.limit > 0 && report.captions == job.limit;
    if (report.stopped || enough || standard_output_lost())
      return fail(Errc::cancelled, "that is enough");
    progress.show(++photos, report.captions);
    const auto& states = job.states;
    if (!states.empty() && std::find(states.begin(), states.end(), row.state) == states.end())
      return {};
    auto caption = chosen_caption(row, job.choice);
    if (!caption || row.vanished) {
      ++report.without_caption;
      return {};
    }
    const auto file = store.stored_file(row.image_id);
    if (!file) return fail(file.error());
    if (!*file) return {};
    ++report.captions;
    return each({row, **file, std::move(*caption)});
  });
  return read || read.error().code == Errc::cancelled ? Status() : read;
}

std::unique_ptr<CaptionFormat> format_of(const CaptionsJob& job, const DatasetNames& names) {
  if (job.format == "alt") return alt_texts(job.alt);
  if (job.format == "html") return html_index();
  if (job.layout == "karpathy") return karpathy_dataset(names);
  if (job.layout == "flickr8k") return flickr_tokens(names);
  return coco_captions(names);
}

Status write_stream(const CaptionsJob& job, Store& store, RunId run, const StopHandle& stop,
                    CaptionsReport& report) {
  const Expected<std::vector<Root>> roots = store.roots(run);
  if (!roots) return fail(roots.error());
  const auto format = format_of(job, {roots->size() > 1});
  const auto output = OutputFile::open(job.output);
  if (!output) return fail(output.error());
  for (int pass = 0; pass < format->passes() && !report.stopped; ++pass) {
    if (Status begun = (*output)->add(format->begin(pass)); !begun) return begun;
    const Status read = for_each_caption(
        job, store, run, stop, report,
        [&](const CaptionedPhoto& photo) { return (*output)->add(format->photo(pass, photo)); });
    if (!read) return read;
    if (Status ended = (*output)->add(format->end(pass)); !ended) return ended;
  }
  // A file that was stopped is incomplete and does not get the name.
  return report.stopped ? Status() : (*output)->finish();
}

Status write_shards(const CaptionsJob& job, Store& store, RunId run, const StopHandle& stop,
                    CaptionsReport& report) {
  ShardWriter shards(job.output, job.shard_photos);
  const Status read =
      for_each_caption(job, store, run, stop, report, [&](const CaptionedPhoto& photo) -> Status {
        const Status added = shards.add(photo);
        if (added || added.error().code != Errc::bad_payload) return added;
        Refusals& some = report.refused[added.error().message];
        if (++some.photos == 1) some.example = photo_file(photo.file);
        --report.captions;
        return {};
      });
  if (!read) return read;
  const Status finished = shards.finish();
  report.shards = shards.shards();
  return finished;
}

}  // namespace

Expected<CaptionsReport> write_captions(const CaptionsJob& job, const StopHandle& stop) {
  const bool shards = job.format == "webdataset";
  if (shards && (job.output.empty() || job.output == "-"))
    return fail(Errc::usage, "--format webdataset writes shards into a folder: -o FOLDER");
  Expected<Store> store = Store::open_reader(job.database);
  if (!store) return fail(store.error());
  const Expected<RunRow> run = choose_run(*store, job.run, job.database, "exporting");
  if (!run) return fail(run.error());
  CaptionsReport report;
  const Status done = shards ? write_shards(job, *store, run->id, stop, report)
                             : write_stream(job, *store, run->id, stop, report);
  if (!done) return fail(done.error());
  return report;
}

std::string captions_text(const CaptionsJob& job, const CaptionsReport& report) {
  std::string out = counted(report.captions, job.format == "alt" ? "text" : "caption");
  if (report.shards > 0) out += " in " + counted(report.shards, "shard");
  out += ", " + counted(report.without_caption, "photo") +
         " without one (blurred, unsure, failed, to do, or gone)\n";
  for (const auto& [reason, some] : report.refused)
    out +=
        counted(some.photos, "photo") + " left out: " + reason + " (" + shown(some.example) + ")\n";
  return out;
}

}  // namespace photoscribe::cli
