#include "scheduler/run/prepare_run.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "common/remote/photo_url.h"
#include "common/scores/caption_file.h"
#include "scheduler/run/stored_commands.h"
#include "scheduler/run/walk_notes.h"
#include "scheduler/run/walk_sources.h"
#include "scheduler/sources/list_walker.h"
#include "scheduler/sources/remote_sources.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

Expected<WalkOptions> walk_options(const RunRequest& request) {
  WalkOptions options;
  options.all_files = request.all_files;
  options.sidecars = request.sidecars;
  options.archives = request.archives;
  options.sidecar_text = request.sidecar_text;
  options.include = request.include;
  options.exclude = request.exclude;
  if (request.limit > 0) options.limit = request.limit;
  if (!request.split_file.empty()) {
    Expected<PhotoNames> names = photos_of_split(request.split_file, request.references_file);
    if (!names) return fail(names.error());
    options.only_names = std::make_shared<const PhotoNames>(std::move(*names));
  }
  return options;
}

/// What the command names, read before the run is changed.
struct Named {
  SourcePlan plan;
  WalkOptions options;
  std::optional<ListSources> lists;
};

struct ReadReferences {
  std::vector<NamedReferences> captions;
  LeftOut left_out;
};

Expected<std::optional<ReadReferences>> read_references_of(const RunRequest& request) {
  const std::string& file = request.references_file;
  if (file.empty()) return std::nullopt;
  if (::access(file.c_str(), R_OK) != 0)
    return fail(Errc::usage, file + ": cannot be read (" + std::strerror(errno) + ")");
  ReadReferences read;
  auto captions = read_references(file, "", request.strict_references, &read.left_out);
  if (!captions) return fail(captions.error());
  read.captions = std::move(*captions);
  return read;
}

Expected<std::vector<std::string>> real_places(const std::vector<std::string>& paths) {
  std::vector<std::string> places;
  for (const std::string& path : paths) {
    places.push_back(real_path(path));
    if (places.back().empty())
      return fail(Errc::usage, "--follow-links " + path + ": " + std::strerror(errno));
  }
  return places;
}

Expected<SourcePlan> plan_without_folders(const RunRequest& request) {
  Expected<std::vector<std::string>> places = real_places(request.follow_links);
  if (!places) return fail(places.error());
  SourcePlan plan;
  plan.link_stores = std::move(*places);
  return plan;
}

Expected<std::optional<ListSources>> plan_lists_of(const RunRequest& request,
                                                   const std::vector<Root>& known, SourcePlan& plan,
                                                   RunObserver& observer, const StopHandle& stop,
                                                   std::unique_lock<std::mutex>* held) {
  if (request.lists.empty()) return std::nullopt;
  const std::string beside = std::filesystem::absolute(request.database).parent_path().string();
  const auto goes_on = [&](std::int64_t photos) {
    report_found(observer, photos);
    return stop.requests() == 0;
  };
  if (held != nullptr) held->unlock();
  Expected<ListSources> lists =
      plan_lists(request.lists, request.list, beside, known, plan, goes_on);
  if (held != nullptr) held->lock();
  if (!lists) return fail(lists.error());
  return std::optional(std::move(*lists));
}

Expected<std::optional<Named>> plan_arguments(Store& store, const RunRequest& request,
                                              RunObserver& observer, const StopHandle& stop,
                                              std::unique_lock<std::mutex>* held) {
  if (request.photos.empty() && request.lists.empty() && request.url_lists.empty())
    return std::nullopt;
  // Of every run: a folder has one name in the whole database.
  const Expected<std::vector<Root>> known = store.known_roots();
  if (!known) return fail(known.error());
  std::vector<std::string> local, remote;
  for (const std::string& one : request.photos) (is_remote(one) ? remote : local).push_back(one);
  Expected<SourcePlan> plan = local.empty() ? plan_without_folders(request)
                                            : plan_sources(local, *known, request.follow_links);
  if (!plan) return fail(plan.error());
  if (Status added = add_remote_sources(*plan, remote, request.url_lists, *known); !added)
    return fail(added.error());
  auto lists = plan_lists_of(request, *known, *plan, observer, stop, held);
  if (!lists) return fail(lists.error());
  // Link stores of earlier commands stay open to the run.
  const Expected<std::optional<RunRow>> run = store.find_run(request.run);
  if (!run) return fail(run.error());
  if (*run) {
    const Expected<std::vector<std::string>> before = store.link_stores((*run)->id);
    if (!before) return fail(before.error());
    plan->link_stores.insert(plan->link_stores.end(), before->begin(), before->end());
  }
  Expected<WalkOptions> options = walk_options(request);
  if (!options) return fail(options.error());
  if (*run) {
    Expected<std::vector<KnownArchive>> archives = store.known_archives((*run)->id);
    if (!archives) return fail(archives.error());
    options->known_archives = std::move(*archives);
  }
  return Named{std::move(*plan), std::move(*options), std::move(*lists)};
}

std::string doubt(const Root& root, const SourceStart& start, const std::string& run,
                  std::int64_t photos) {
  return root.folder + (start.path.empty() ? "" : "/" + start.path) +
         ": there are no photos, but run \"" + run + "\" has " + std::to_string(photos) +
         " of that folder; is it mounted? They are left unchanged";
}

/// A named folder without a single photo, where the run has some, is more likely unmounted than
/// emptied. Checked before anything is changed, up to each folder's first photo.
Status refuse_empty_folders(Store& store, const RunRequest& request, const Named& named) {
  const Expected<std::optional<RunRow>> run = store.find_run(request.run);
  if (!run) return fail(run.error());
  if (!run->has_value()) return {};
  for (const SourceStart& start : named.plan.starts) {
    if (!start.named || start.is_file) continue;
    SourcePlan one = named.plan;
    one.starts = {start};
    WalkOptions options;
    options.all_files = request.all_files;
    options.sidecars = false;
    options.archives = request.archives;
    options.limit = 1;
    Walker walker(std::move(one), std::move(options));
    for (;;) {
      const Expected<std::vector<FoundFile>> files = walker.next(1);
      if (!files) return fail(files.error());
      if (files->empty()) break;
    }
    if (walker.report().barren.empty()) continue;
    const Root& root = named.plan.roots[static_cast<std::size_t>(start.root)];
    const Expected<std::int64_t> had = store.photos_in((*run)->id, root.name, start.path);
    if (!had) return fail(had.error());
    if (*had == 0) continue;
    return fail(Errc::environment,
                doubt(root, start, request.run, *had) +
                    ". If they are gone for good, leave the folder out of the command");
  }
  return {};
}

/// The same for folders that were not named themselves: noted, and left unchanged.
Status note_empty_folders(Store& store, PreparedRun& prepared, WalkReport& report) {
  for (const SourceStart& start : report.barren) {
    const Root& root = prepared.roots[static_cast<std::size_t>(start.root)];
    const Expected<std::int64_t> had = store.photos_in(prepared.run.id, root.name, start.path);
    if (!had) return fail(had.error());
    if (*had == 0) continue;
    prepared.notes.push_back(doubt(root, start, prepared.run.name, *had));
    report.unknown.push_back({start.root, start.path});
  }
  return {};
}

void note_redo(PreparedRun& prepared) {
  if (prepared.scan.left_as_they_were == 0) return;
  prepared.notes.push_back(std::to_string(prepared.scan.left_as_they_were) +
                           " photos of the run that this command does not name, or that are gone, "
                           "keep their results of earlier settings");
}

/// At once, not at the end of the night; `photoscribe status` shows it, too.
Status report_not_seen(Store& store, const PreparedRun& prepared, RunObserver& observer) {
  constexpr std::size_t kTold = 5;
  for (std::size_t i = 0; i < std::min(kTold, prepared.not_seen.size()); ++i) {
    const NotSeen& one = prepared.not_seen[i];
    Event event;
    event.level = EventLevel::warning;
    event.text = "not looked at: " + one.path + ": " + one.why;
    observer.event(event);
    if (Status kept = store.add_event(prepared.run.id, "warning", "not_seen", event.text); !kept)
      return kept;
  }
  return {};
}

Status open_link_stores(Store& store, const std::vector<std::string>& places, PreparedRun& prepared,
                        RunObserver& observer) {
  if (Status added = store.add_link_stores(prepared.run.id, places); !added) return added;
  Expected<std::vector<std::string>> all = store.link_stores(prepared.run.id);
  if (!all) return fail(all.error());
  prepared.link_stores = std::move(*all);
  if (prepared.link_stores.empty()) return {};
  Event event;
  event.text = "links may lead to " + prepared.link_stores.front();
  if (prepared.link_stores.size() > 1)
    event.text += " and " + std::to_string(prepared.link_stores.size() - 1) + " more places";
  event.text += ", outside the folders of photos";
  observer.event(event);
  prepared.notes.push_back(event.text);
  return {};
}

Status scan_photos(Store& store, const RunRequest& request, std::optional<Named> named,
                   RunObserver& observer, const StopHandle& stop,
                   std::unique_lock<std::mutex>* held, PreparedRun& prepared) {
  const Expected<std::vector<std::string>> places =
      named ? named->plan.link_stores : real_places(request.follow_links);
  if (!places) return fail(places.error());
  if (Status open = open_link_stores(store, *places, prepared, observer); !open) return open;
  if (!named) {
    Expected<std::vector<Root>> own = store.roots(prepared.run.id);
    if (!own) return fail(own.error());
    prepared.roots = std::move(*own);
    const Expected<std::int64_t> redone = store.redo_known(prepared.run.id, request.redo);
    if (!redone) return fail(redone.error());
    prepared.scan.redone = *redone;
    return {};
  }
  prepared.roots = named->plan.roots;
  if (request.watch) {
    prepared.plan = named->plan;
    prepared.options = named->options;
  }
  const auto& only_names = named->options.only_names;
  const std::size_t names_in_split = only_names ? only_names->size() : 0;
  Expected<Scan> scan = store.begin_scan(prepared.run.id, named->plan.roots, request.redo);
  if (!scan) return fail(scan.error());
  const auto add = [&scan](const std::vector<FoundFile>& files) { return scan->add(files); };
  WalkedSources sources{std::move(named->plan),
                        std::move(named->options),
                        request.remote,
                        std::move(named->lists),
                        {}};
  sources.on_lists = [&](const ListReport& lists) { note_lists(lists, scan->counts(), prepared); };
  const Expected<std::optional<WalkReport>> walked =
      walk_sources(std::move(sources), observer, stop, held, add);
  if (!walked) return fail(walked.error());
  if (!*walked) {
    prepared.stopped = true;
    return {};
  }
  WalkReport report = **walked;
  if (Status noted = note_empty_folders(store, prepared, report); !noted) {
    return noted;
  }
  const Expected<ScanCounts> counts = scan->finish(report.walked, report.skipped, report.unknown);
  if (!counts) return fail(counts.error());
  const std::string split = std::filesystem::path(request.split_file).filename().string();
  if (Status kept = store.set_split_file(prepared.run.id, split); !kept) return kept;
  prepared.scan = *counts;
  note_redo(prepared);
  prepared.not_seen.insert(prepared.not_seen.end(), report.not_seen.begin(), report.not_seen.end());
  prepared.not_seen_count += report.not_seen_count;
  note_walk(report, prepared.notes);
  if (request.lists.empty()) note_split(report, names_in_split, request, prepared);
  if (report.files == 0 && request.lists.empty() && prepared.not_seen_count == 0 && !request.watch)
    prepared.notes.push_back("no photos were found there");
  return {};
}

Status take_references(Store& store, const RunRequest& request,
                       const std::optional<ReadReferences>& references, PreparedRun& prepared) {
  if (!references) return {};
  const Expected<std::int64_t> matched =
      store.set_references(prepared.run.id, references->captions);
  if (!matched) return fail(matched.error());
  const std::string& file = request.references_file;
  const std::string name = std::filesystem::path(file).filename().string();
  if (Status named = store.set_references_file(prepared.run.id, name); !named) return named;
  if (references->left_out.count > 0)
    prepared.notes.push_back(file + ": " + to_text(references->left_out));
  if (*matched == 0) {
    ++prepared.not_seen_count;
    prepared.not_seen.push_back({file, "it names no photo of this run (--references)"});
  }
  return {};
}

}  // namespace

Status check_watch(const RunRequest& request) {
  if (!request.watch || (!request.photos.empty() && request.limit == 0 && !request.dry_run))
    return {};
  return fail(Errc::usage,
              "--watch needs folders to watch, and goes neither with --limit nor with --dry-run");
}

Expected<WatchedFolders> plan_watch(Store& store, RunRequest request, RunObserver& observer,
                                    const StopHandle& stop) {
  request.lists.clear();
  request.url_lists.clear();
  Expected<std::optional<Named>> named = plan_arguments(store, request, observer, stop, nullptr);
  if (!named) return fail(named.error());
  if (!*named) return fail(Errc::usage, "it names no folder to watch");
  return WatchedFolders{std::move((*named)->plan), std::move((*named)->options)};
}

BeforeMigration say_migration(std::string database, RunObserver& observer) {
  return [database = std::move(database), &observer](int from, int to) {
    Event event;
    event.text = "migrating " + database + " from schema " + std::to_string(from) + " to " +
                 std::to_string(to) + "; with millions of photos this takes minutes";
    observer.event(event);
  };
}

Expected<PreparedRun> prepare_run(Store& store, const RunRequest& request, RunObserver& observer,
                                  const StopHandle& stop, std::unique_lock<std::mutex>* held) {
  const Expected<std::optional<ReadReferences>> references = read_references_of(request);
  if (!references) return fail(references.error());
  Expected<std::optional<Named>> named = plan_arguments(store, request, observer, stop, held);
  if (!named) return fail(named.error());
  if (*named) {
    if (Status there = refuse_empty_folders(store, request, **named); !there) {
      return fail(there.error());
    }
  }
  Expected<EnsuredRun> ensured = store.ensure_run(request.run, request.settings, request.redo);
  if (!ensured) return fail(ensured.error());

  PreparedRun prepared;
  prepared.run = ensured->run;
  RunSchedule kept = request.schedule;
  // Otherwise called by this process; an address may be a secret.
  if (!request.keep_on_finish) kept.on_finish.clear();
  if (!kept.on_finish.empty()) {
    if (Status noted = remember_stored_command(request.run, kept.on_finish); !noted) {
      prepared.notes.push_back(
          noted.error().message +
          ": so only a scheduler started with --allow-stored-commands runs --on-finish");
    }
  }
  if (Status stored = store.set_schedule(prepared.run.id, kept); !stored) {
    return fail(stored.error());
  }
  if (ensured->became_blurred + ensured->became_clear + ensured->caption_restored > 0) {
    prepared.notes.push_back(
        "new blur rule: " + std::to_string(ensured->became_blurred) + " photos are now blurred, " +
        std::to_string(ensured->became_clear + ensured->caption_restored) + " now clear");
  }
  if (ensured->became_unsure + ensured->became_sure > 0) {
    prepared.notes.push_back("captions rejudged: " + std::to_string(ensured->became_unsure) +
                             " are now unsure, " + std::to_string(ensured->became_sure) +
                             " shown again");
  }
  if (Status scanned =
          scan_photos(store, request, std::move(*named), observer, stop, held, prepared);
      !scanned) {
    return fail(scanned.error());
  }
  if (prepared.stopped) return prepared;
  if (!request.redo) {
    const Expected<std::int64_t> reused = store.reuse_results(prepared.run.id);
    if (!reused) return fail(reused.error());
    prepared.reused = *reused;
  }
  if (request.retry_failed) {
    const Expected<std::int64_t> retried = store.retry_failed(prepared.run.id);
    if (!retried) return fail(retried.error());
    prepared.retried = *retried;
  }
  Status taken = take_references(store, request, *references, prepared);
  if (taken) taken = report_not_seen(store, prepared, observer);
  if (!taken) return fail(taken.error());
  return prepared;
}

}  // namespace photoscribe
