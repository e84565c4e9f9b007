#include "ops/cli/export/write_files.h"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <optional>
#include <unordered_set>
#include <utility>

#include "common/core/standard_output.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/export/files_progress.h"
#include "ops/cli/run/choose_run.h"
#include "ops/cli/terminal/terminal.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

constexpr std::size_t kSidecarsAtOnce = 256, kPhotosAtOnce = 8;

std::string default_undo_log(const std::string& database) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  char text[32] = "";
  if (gmtime_r(&now, &utc) != nullptr) std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  std::string file = database + ".undo-" + text + ".jsonl";
  for (int n = 2; ::access(file.c_str(), F_OK) == 0; ++n)
    file = database + ".undo-" + text + "-" + std::to_string(n) + ".jsonl";
  return file;
}

std::unique_ptr<PhotoWriter> writer_of(const FilesJob& job) {
  if (job.format == FileFormat::text) return text_sidecars(job.rules);
  if (job.format == FileFormat::iptc) return iptc_in_place(job.rules);
  return job.in_place ? xmp_in_place(job.rules) : xmp_sidecars(job.rules);
}

/// One export over one run.
class FilesExport {
 public:
  FilesExport(const FilesJob& job, Store& store)
      : job_(job),
        store_(store),
        writer_(writer_of(job)),
        log_(job.undo_log.empty() ? default_undo_log(job.database) : job.undo_log),
        changes_(&log_) {}

  Status take(const ResultRow& row);
  Status commit();
  FilesReport finish() && {
    if (log_.exists()) report_.undo_log = log_.file();
    return std::move(report_);
  }
  [[nodiscard]] const FilesReport& report() const { return report_; }

 private:
  Status write(const CaptionedPhoto& photo);
  Status stage(WriteOutcome outcome);
  void refuse(const std::string& reason, const std::string& file);
  void count(const WriteOutcome& outcome);
  void list(const char* what, const std::string& file) const {
    if (job_.dry_run && job_.list)
      write_standard_output(std::string(what) + "  " + shown(file) + "\n");
  }
  /// True for the first photo with this target: IMG_1.jpg and IMG_1.png both have IMG_1.xmp.
  bool is_first(const std::string& target) {
    return job_.rules.place.style == SidecarStyle::photo || job_.in_place ||
           targets_.insert(std::hash<std::string>{}(target)).second;
  }

  const FilesJob& job_;
  Store& store_;
  std::unique_ptr<PhotoWriter> writer_;
  UndoLog log_;
  FileChanges changes_;
  FilesReport report_;
  std::unordered_set<std::size_t> targets_;  // hashes: eight bytes a photo
  std::deque<WriteOutcome> staged_;          // as counted, without their changes
  std::vector<RewrittenFile> to_note_;
  std::string folder_made_;
};

void FilesExport::refuse(const std::string& reason, const std::string& file) {
  list("refuse", file + ": " + reason);
  Refusals& some = report_.refused[reason];
  if (++some.photos == 1) some.example = file;
}

void FilesExport::count(const WriteOutcome& outcome) {
  switch (outcome.kind) {
    case WriteKind::fresh:
      ++report_.fresh;
      break;
    case WriteKind::merged:
      ++report_.merged;
      break;
    case WriteKind::unchanged:
      ++report_.unchanged;
      return;
    case WriteKind::kept:
      ++report_.kept;
      list("keep  ", outcome.target);
      return;
  }
  if (outcome.kept_description) ++report_.kept_descriptions;
  list(outcome.kind == WriteKind::fresh ? "new   " : "merge ", outcome.target);
}

Status FilesExport::take(const ResultRow& row) {
  ++report_.photos;
  auto caption = chosen_caption(row, job_.choice);
  if (!caption || row.vanished) {
    ++report_.without_caption;
    return {};
  }
  const auto file = store_.stored_file(row.image_id);
  if (!file) return fail(file.error());
  if (!*file) return {};  // forgotten a moment ago
  return write({row, **file, std::move(*caption)});
}

Status FilesExport::write(const CaptionedPhoto& photo) {
  Expected<WriteOutcome> outcome = writer_->plan(photo);
  if (!outcome) {
    if (outcome.error().code != Errc::bad_payload) return fail(outcome.error());
    refuse(outcome.error().message, photo_file(photo.file));
    return {};
  }
  if (!is_first(outcome->target)) {
    refuse("another photo of this run has a sidecar of that name", photo_file(photo.file));
    return {};
  }
  if (outcome->to_note) to_note_.push_back(*outcome->to_note);
  if (!outcome->change || job_.dry_run) {
    count(*outcome);
  } else if (Status staged = stage(std::move(*outcome)); !staged) {
    return staged;
  }
  const std::size_t group = job_.in_place ? kPhotosAtOnce : kSidecarsAtOnce;
  return changes_.staged() >= group || to_note_.size() >= kSidecarsAtOnce ? commit() : Status();
}

Status FilesExport::stage(WriteOutcome outcome) {
  const std::string folder = outcome.target.substr(0, outcome.target.rfind('/'));
  if (!job_.rules.place.into.empty() && folder != folder_made_) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) return fail(Errc::environment, shown(folder) + ": " + failed.message());
    folder_made_ = folder;
  }
  if (Status staged = changes_.stage(std::move(*outcome.change)); !staged) {
    if (staged.error().code != Errc::bad_payload)
      return fail(Errc::environment, shown(outcome.target) + ": " + staged.error().message);
    refuse(staged.error().message, outcome.target);
    return {};
  }
  count(outcome);
  outcome.change.reset();
  staged_.push_back(std::move(outcome));
  return {};
}

Status FilesExport::commit() {
  const Status committed = changes_.commit([&](const FileChanges::Outcome& one) {
    const WriteOutcome counted = std::move(staged_.front());
    staged_.pop_front();
    if (!one.done) {
      --(counted.kind == WriteKind::merged ? report_.merged : report_.fresh);
      if (counted.kept_description) --report_.kept_descriptions;
      refuse(one.done.error().message, one.change.target);
      return;
    }
    if (!one.change.keep_times) return;
    const struct stat& was = one.change.old->was;
    to_note_.push_back({one.change.folder, one.change.path, was.st_size,
                        std::int64_t{was.st_mtim.tv_sec} * 1'000'000'000 + was.st_mtim.tv_nsec,
                        one.now.st_size, static_cast<std::int64_t>(one.now.st_ino)});
  });
  if (!to_note_.empty() && !job_.dry_run) {
    if (Status noted = store_.note_rewritten(to_note_); !noted) return noted;
  }
  to_note_.clear();
  return committed;
}

}  // namespace

Expected<FilesReport> write_files(const FilesJob& job, const StopHandle& stop) {
  // Recording the new sizes of photos needs the database's lock.
  Expected<Store> store = job.in_place && !job.dry_run ? Store::open_writer(job.database)
                                                       : Store::open_reader(job.database);
  if (!store) return fail(store.error());
  const Expected<RunRow> run = choose_run(*store, job.run, job.database, "exporting");
  if (!run) return fail(run.error());
  const Expected<RunCounts> counts = store->counts(run->id);
  if (!counts) return fail(counts.error());
  const Expected<std::vector<Root>> roots = store->roots(run->id);
  if (!roots) return fail(roots.error());
  FilesJob now = job;
  now.rules.model_name = run->settings.model_name;
  now.rules.place.several_roots = roots->size() > 1;
  FilesExport files_export(now, *store);
  FilesProgress progress(counts->asked.total() + counts->others.total());
  bool stopped = false;
  const Status read = store->for_each_result(run->id, [&](const ResultRow& row) -> Status {
    stopped = stop.requests() > 0 || standard_output_lost();
    const bool enough = job.limit > 0 && files_export.report().written() >= job.limit;
    if (stopped || enough) return fail(Errc::cancelled, "that is enough");
    const auto& states = job.states;
    if (!states.empty() && std::find(states.begin(), states.end(), row.state) == states.end())
      return {};
    progress.show(files_export.report().photos, files_export.report().written());
    return files_export.take(row);
  });
  // What is staged is complete, even after a failure.
  const Status committed = files_export.commit();
  if (!read && read.error().code != Errc::cancelled) return fail(read.error());
  if (!committed) return fail(committed.error());
  FilesReport report = std::move(files_export).finish();
  report.stopped = stopped;
  return report;
}

}  // namespace photoscribe::cli
