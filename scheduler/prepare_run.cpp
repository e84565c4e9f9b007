#include "scheduler/prepare_run.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "scheduler/store/references.h"

namespace photoscribe {
namespace {

constexpr std::size_t kFilesAtOnce = 5'000;  // a commit and a progress report each

RunSettings settings_of(const RunRequest& request) {
  RunSettings settings;
  settings.model_hash = request.model_hash;
  settings.model_name = request.model_name;
  if (settings.model_name.empty()) {
    settings.model_name = std::filesystem::path(request.model_folder).filename().string();
  }
  settings.search = request.search;
  settings.blur = request.blur;
  settings.limits = request.limits;
  return settings;
}

/// True when workers must read another spec than before.
bool workers_must_know(const RunSettings& before, const RunSettings& after) {
  return before.model_hash != after.model_hash || before.search != after.search ||
         before.blur != after.blur || before.limits != after.limits ||
         before.preprocessing_version != after.preprocessing_version;
}

Expected<WalkOptions> walk_options(const RunRequest& request) {
  WalkOptions options;
  options.all_files = request.all_files;
  options.include = request.include;
  options.exclude = request.exclude;
  if (request.limit > 0) options.limit = request.limit;
  if (!request.split_file.empty()) {
    Expected<NameSet> names = read_split_list(request.split_file);
    if (!names) return fail(names.error());
    options.only_names = std::make_shared<const NameSet>(std::move(*names));
  }
  return options;
}

void tell_found(RunObserver& observer, std::int64_t found) {
  Progress progress;
  progress.phase = "looking for photos";
  progress.found = found;
  observer.progress(progress);
}

/// Walks `walker` to its end; `take` gets each batch. False when a stop was asked for.
template <class Take>
Expected<bool> walk(Walker& walker, RunObserver& observer, const StopHandle& stop, Take take) {
  std::int64_t found = 0;
  tell_found(observer, found);
  for (;;) {
    if (stop.requests() > 0) return false;
    const Expected<std::vector<FoundFile>> files = walker.next(kFilesAtOnce);
    if (!files) return fail(files.error());
    if (files->empty()) return true;
    if (Status taken = take(*files); !taken) return fail(taken.error());
    found += static_cast<std::int64_t>(files->size());
    tell_found(observer, found);
  }
}

void note_walk(const WalkReport& report, std::vector<std::string>& notes) {
  constexpr std::size_t kShown = 20;
  for (std::size_t i = 0; i < std::min(kShown, report.warnings.size()); ++i) {
    notes.push_back(report.warnings[i]);
  }
  if (report.warnings.size() > kShown) {
    notes.push_back(std::to_string(report.warnings.size() - kShown) + " more like these");
  }
  if (report.filtered > 0) {
    notes.push_back(std::to_string(report.filtered) +
                    " files were left out by --include, --exclude or --split");
  }
}

void note_split(const WalkReport& report, std::size_t names, const RunRequest& request,
                std::vector<std::string>& notes) {
  const auto found = static_cast<std::size_t>(report.files);
  if (names == 0 || report.reached_limit || found >= names) return;
  notes.push_back(request.split_file + " names " + std::to_string(names) + " photos, " +
                  std::to_string(found) + " of them are here");
}

/// What the command names, looked at before anything about the run is changed.
struct Named {
  SourcePlan plan;
  WalkOptions options;
};

Expected<std::optional<Named>> look_at_arguments(Store& store, const RunRequest& request) {
  for (const std::string* file : {&request.references_file, &request.split_file}) {
    if (!file->empty() && ::access(file->c_str(), R_OK) != 0) {
      return fail(Errc::usage, *file + ": cannot be read (" + std::strerror(errno) + ")");
    }
  }
  if (request.photos.empty()) return std::nullopt;
  // Of every run: a folder has one name in the whole database.
  const Expected<std::vector<Root>> known = store.known_roots();
  if (!known) return fail(known.error());
  Expected<SourcePlan> plan = plan_sources(request.photos, *known);
  if (!plan) return fail(plan.error());
  Expected<WalkOptions> options = walk_options(request);
  if (!options) return fail(options.error());
  return Named{std::move(*plan), std::move(*options)};
}

Status scan_photos(Store& store, const RunRequest& request, std::optional<Named> named,
                   RunObserver& observer, const StopHandle& stop, PreparedRun& prepared) {
  if (!named) {
    Expected<std::vector<Root>> own = store.roots(prepared.run.id);
    if (!own) return fail(own.error());
    prepared.roots = std::move(*own);
    return {};
  }
  prepared.roots = named->plan.roots;
  const auto& only_names = named->options.only_names;
  const std::size_t names_in_split = only_names ? only_names->size() : 0;
  Expected<Scan> scan = store.begin_scan(prepared.run.id, named->plan.roots);
  if (!scan) return fail(scan.error());
  Walker walker(std::move(named->plan), std::move(named->options));
  const Expected<bool> walked =
      walk(walker, observer, stop,
           [&](const std::vector<FoundFile>& files) { return scan->add(files); });
  if (!walked) return fail(walked.error());
  if (!*walked) {
    prepared.stopped = true;
    return {};
  }
  const Expected<ScanCounts> counts = scan->finish(walker.report().walked, walker.report().skipped);
  if (!counts) return fail(counts.error());
  prepared.scan = *counts;
  note_walk(walker.report(), prepared.notes);
  note_split(walker.report(), names_in_split, request, prepared.notes);
  if (walker.report().files == 0) prepared.notes.push_back("no photos were found there");
  return {};
}

Status take_references(Store& store, const RunRequest& request, PreparedRun& prepared) {
  if (request.references_file.empty()) return {};
  const Expected<References> references = read_references(request.references_file);
  if (!references) return fail(references.error());
  const Expected<std::int64_t> matched = store.set_references(prepared.run.id, *references);
  if (!matched) return fail(matched.error());
  if (*matched == 0) {
    prepared.notes.push_back(request.references_file +
                             ": none of its names is the name of a photo of this run");
  }
  return {};
}

}  // namespace

Expected<PreparedRun> prepare_run(Store& store, const RunRequest& request, RunObserver& observer,
                                  const StopHandle& stop) {
  const RunSettings settings = settings_of(request);
  const Expected<std::optional<RunRow>> before = store.find_run(request.run);
  if (!before) return fail(before.error());
  Expected<std::optional<Named>> named = look_at_arguments(store, request);
  if (!named) return fail(named.error());
  Expected<EnsuredRun> ensured = store.ensure_run(request.run, settings, request.redo);
  if (!ensured) return fail(ensured.error());

  PreparedRun prepared;
  prepared.run = ensured->run;
  const bool respecified =
      before->has_value() && (ensured->redone || workers_must_know((*before)->settings, settings));
  if (respecified && prepared.run.incarnation) {
    if (Status ended = store.end_incarnation(prepared.run.id); !ended) return fail(ended.error());
    prepared.run.incarnation.reset();
  }
  if (ensured->became_blurred + ensured->became_clear + ensured->caption_restored > 0) {
    prepared.notes.push_back("another blur threshold: " + std::to_string(ensured->became_blurred) +
                             " photos are blurred now, " +
                             std::to_string(ensured->became_clear + ensured->caption_restored) +
                             " are clear now");
  }
  if (Status scanned = scan_photos(store, request, std::move(*named), observer, stop, prepared);
      !scanned) {
    return fail(scanned.error());
  }
  if (prepared.stopped) return prepared;
  if (request.retry_failed) {
    const Expected<std::int64_t> retried = store.retry_failed(prepared.run.id);
    if (!retried) return fail(retried.error());
    prepared.retried = *retried;
  }
  if (Status taken = take_references(store, request, prepared); !taken) return fail(taken.error());
  return prepared;
}

namespace {

/// Every image of a run, by a hash of root and path: enough to tell new from known in a count.
class KnownImages {
 public:
  Status read(Store& store, RunId run) {
    return store.for_each_result(run, [this](const ResultRow& row) -> Status {
      states_[hash(row.root, row.path)] = row.state.empty() ? 'p' : row.state.front();
      return {};
    });
  }
  [[nodiscard]] std::vector<char> all() const {
    std::vector<char> states;
    for (const auto& [image, state] : states_) states.push_back(state);
    return states;
  }
  /// 'p' pending, 'd' done, 'b' blurred, 'f' failed, 'n' new.
  [[nodiscard]] char state(const std::string& root, const std::string& path) const {
    const auto found = states_.find(hash(root, path));
    return found == states_.end() ? 'n' : found->second;
  }

 private:
  static std::size_t hash(const std::string& root, const std::string& path) {
    return std::hash<std::string>{}(root + '\0' + path);
  }
  std::unordered_map<std::size_t, char> states_;
};

struct Known {
  std::vector<Root> roots;
  KnownImages images;
};

Expected<Known> read_known(const RunRequest& request) {
  Known known;
  if (!std::filesystem::exists(request.database)) return known;
  Expected<Store> store = Store::open_reader(request.database);
  if (!store) return fail(store.error());
  const Expected<std::optional<RunRow>> run = store->find_run(request.run);
  if (!run) return fail(run.error());
  Expected<std::vector<Root>> roots = store->known_roots();
  if (!roots) return fail(roots.error());
  known.roots = std::move(*roots);
  if (!run->has_value()) return known;
  if (!request.redo) {
    const Expected<std::string> conflict =
        store->settings_conflict(request.run, settings_of(request));
    if (!conflict) return fail(conflict.error());
    if (!conflict->empty()) return fail(Errc::usage, *conflict);
  }
  if (Status read = known.images.read(*store, (*run)->id); !read) return fail(read.error());
  return known;
}

void count_one(RunSummary& summary, char state, const RunRequest& request) {
  const bool again = request.redo || (request.retry_failed && state == 'f');
  ++summary.total;
  if (state == 'n') ++summary.added;
  if (state == 'n' || state == 'p' || again) {
    ++summary.pending;
  } else if (state == 'd') {
    ++summary.done;
  } else if (state == 'b') {
    ++summary.blurred;
  } else {
    ++summary.failed;
  }
}

}  // namespace

Expected<RunSummary> dry_run(const RunRequest& request, RunObserver& observer,
                             const StopHandle& stop) {
  const Expected<Known> known = read_known(request);
  if (!known) return fail(known.error());
  RunSummary summary;
  summary.dry_run = true;
  summary.run = request.run;
  summary.database = request.database;
  if (request.photos.empty()) {  // the run's own photos, as they are known
    for (const char state : known->images.all()) count_one(summary, state, request);
    summary.nothing_to_do = summary.pending == 0;
    return summary;
  }
  Expected<SourcePlan> plan = plan_sources(request.photos, known->roots);
  if (!plan) return fail(plan.error());
  Expected<WalkOptions> options = walk_options(request);
  if (!options) return fail(options.error());
  const std::vector<Root> roots = plan->roots;
  Walker walker(std::move(*plan), std::move(*options));
  const Expected<bool> walked =
      walk(walker, observer, stop, [&](const std::vector<FoundFile>& files) -> Status {
        for (const FoundFile& file : files) {
          const std::string& root = roots[static_cast<std::size_t>(file.root)].name;
          count_one(summary, known->images.state(root, file.path), request);
        }
        return {};
      });
  if (!walked) return fail(walked.error());
  if (!*walked) summary.end = RunEnd::stopped;
  summary.nothing_to_do = summary.pending == 0;
  for (const SkippedExtension& skipped : walker.report().skipped) {
    summary.skipped.emplace_back(skipped.extension, skipped.files);
  }
  note_walk(walker.report(), summary.notes);
  return summary;
}

}  // namespace photoscribe
