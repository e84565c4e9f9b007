#include "ops/cli/run/run_options.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "common/core/model_folder.h"
#include "common/text/escape.h"
#include "common/text/safe_text.h"
#include "ops/cli/config/locate.h"
#include "ops/cli/run/list_flags.h"
#include "ops/cli/run/workers_here.h"

namespace photoscribe::cli {

/// Refuses options for lists without a list, and lists that only this process could read.
static Status check_lists(const RunOptions& options) {
  const RunRequest& request = options.request;
  if (request.lists.empty() && request.list != ListOptions())
    return fail(Errc::usage,
                "--root, --from0 and columns are for lists: name one with --list FILE");
  const auto standard_inputs = std::count(request.lists.begin(), request.lists.end(), "-");
  if (standard_inputs > 1) return fail(Errc::usage, "--list - twice: standard input is read once");
  if (standard_inputs > 0 && options.detach)
    return fail(Errc::usage, "--list - cannot be used with --detach: write the list to a file");
  return {};
}

Expected<RunRequest> make_request(const RunOptions& options, RunVerb verb) {
  const Expected<LoadedConfig> loaded = options.settings.load();
  if (!loaded) return fail(loaded.error());
  const Config& config = loaded->config;
  std::error_code ignored;
  if (Status good = check_lists(options); !good) return fail(good.error());
  if (options.request.photos.empty() && options.request.lists.empty() &&
      options.request.url_lists.empty() && !std::filesystem::exists(config.database, ignored)) {
    return fail(Errc::usage, "name a folder of photos, such as: photoscribe " +
                                 std::string(verb == RunVerb::run ? "run" : "submit") +
                                 " PHOTOS -o " + shell_quoted(config.database) +
                                 " (that database does not exist, so there is no run to resume)");
  }
  const Expected<std::string> model_folder = find_model_folder(config);
  if (!model_folder) return fail(model_folder.error());
  const Expected<ModelFolder> model = read_model_folder(*model_folder);
  if (!model) return fail(model.error());

  RunRequest request = options.request;
  request.database = config.database;
  request.model_folder = std::filesystem::absolute(*model_folder).string();
  request.settings =
      settings_for(config, *model, std::filesystem::path(request.model_folder).filename().string());
  request.lease = config.lease;
  request.remote = config.remote;
  request.watch_rescan_s = config.watch_rescan_s;
  request.window = config.queue.window;
  request.remembered_max = config.reuse.remembered_max;
  request.schedule = config.schedule;
  request.redis_url = config.redis.url;
  request.redis_server_executable = config.redis.server_executable;
  request.state_folder = config.state_folder;
  if (verb == RunVerb::submit) return request;
  const Expected<std::string> worker = find_worker(config);
  if (!worker && !options.request.dry_run) return fail(worker.error());
  request.worker_executable = worker.value_or("");
  const WorkerPlan plan = plan_workers(config.worker, usable_gpus(request.worker_executable));
  request.devices = plan.devices;
  request.workers = plan.count;
  request.batch = config.worker.batch.value_or(0);
  request.threads = config.worker.threads.value_or(0);
  if (config.worker.precision != "auto") {
    request.worker_arguments.insert(request.worker_arguments.end(),
                                    {"--precision", config.worker.precision});
  }
  if (config.worker.memory_max) {
    request.worker_arguments.insert(request.worker_arguments.end(),
                                    {"--memory-max", std::to_string(*config.worker.memory_max)});
  }
  return request;
}

static void add_list_options(CLI::App& verb, RunRequest& request) {
  const std::string group = "Lists of photos";
  verb.add_option(
          "--list", request.lists,
          "a file that names photos (repeatable; - is standard input): a path or URL a line,\n"
          "CSV, TSV or JSON Lines, told apart by their content; other columns are kept with\n"
          "the photos (`photoscribe export --columns`)")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->group(group);
  verb.add_flag("--from0", request.list.from0, "paths in lists end in NUL (find -print0)")
      ->group(group);
  add_list_flags(verb, request.list, "lists", group);
}

void add_photo_options(CLI::App& verb, RunOptions& options) {
  RunRequest& request = options.request;
  verb.add_option("photos", request.photos,
                  "folders, photos, archives (tar, also compressed, and zip: read in place),\n"
                  "https://…, s3://BUCKET/PREFIX; none: those of the run in the database")
      ->type_name("PHOTOS");
  add_list_options(verb, request);
  const std::string group = "Which photos";
  // One argument each: `--include *.jpg PHOTOS` must not take PHOTOS as a second pattern.
  verb.add_option("--include", request.include,
                  "only photos whose name or relative path matches (repeatable)")
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->group(group);
  verb.add_option("--exclude", request.exclude,
                  "leave out whatever matches, folders too; overrides --include (repeatable)")
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->group(group);
  verb.add_option("--follow-links", request.follow_links,
                  "a folder outside those of the photos that links may lead to, such as the\n"
                  "store of Hugging Face or DVC (repeatable; kept with the run)")
      ->type_name("PATH")
      ->allow_extra_args(false)
      ->group(group);
  verb.add_option("--urls", request.url_lists,
                  "a file with one URL of a photo a line; - is standard input (repeatable)")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->group(group);
  verb.add_flag("--all-files", request.all_files,
                "try files of any extension, not only those of images")
      ->group(group);
  verb.add_flag_callback(
          "--no-sidecars", [&request] { request.sidecars = false; },
          "keep nothing of what exports of Google Takeout, Facebook, Instagram, X or Flickr say\n"
          "of their photos (dates, places, texts)")
      ->group(group);
  verb.add_flag(
          "--archives", request.archives,
          "look into the tars and zips that lie in folders, too (those that are named always\n"
          "are)")
      ->group(group);
  verb.add_option("--sidecar-text", request.sidecar_text,
                  "text beside photos in tars, as WebDataset has it (key.jpg, key.txt, key.json,\n"
                  "key.cls): keep it as columns, take .txt as the reference caption, or none\n"
                  "(default: keep)")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, SidecarText>{{"keep", SidecarText::keep},
                                             {"reference", SidecarText::reference},
                                             {"none", SidecarText::none}}))
      ->type_name("keep|reference|none")
      ->group(group);
  verb.add_option("--split", request.split_file,
                  "only the photos that this list names, one file name a line; or a split by its\n"
                  "name (train, val, test) where --references has splits")
      ->type_name("LIST")
      ->group(group);
  verb.add_option("--limit", request.limit, "stop scanning after N photos")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->group(group);
  verb.add_option(
          "--references", request.references_file,
          "reference captions: Flickr8k.token.txt, Flickr30k's .token, Kaggle's captions.txt,\n"
          "Karpathy's dataset_*.json, COCO's captions_*.json, or JSON Lines")
      ->type_name("FILE")
      ->group(group);
  verb.add_flag(
          "--strict", request.strict_references,
          "refuse references with a malformed line or item, instead of skipping it with a warning")
      ->group(group);
}

void add_again_options(CLI::App& verb, RunOptions& options) {
  RunRequest& request = options.request;
  const std::string group = "Running it again";
  verb.add_flag("--retry-failed", request.retry_failed, "retry failed photos")->group(group);
  verb.add_flag(
          "--redo", request.redo,
          "caption the named photos again with the settings given now (another model or beam)")
      ->group(group);
  verb.add_option("--new-run", request.run,
                  "a separate run in the same database (default: default)")
      ->type_name("NAME")
      ->group(group);
}

static void add_schedule_options(RunOptions& options) {
  Settings& s = options.settings;
  const std::string when = "When and how fast";
  s.flag("--rate", "schedule.rate_per_s", "N",
         "most photos started per second, by all workers together")
      ->group(when);
  s.flag("--between", "schedule.between", "HH:MM-HH:MM",
         "work only in these hours of the day, such as 22:00-06:00 (local time); outside\n"
         "them work is handed back and workers end")
      ->group(when);
  s.flag("--on-finish", "schedule.on_finish", "CMD|URL",
         "called when the run ends: a command (no shell; quotes group words) that finds\n"
         "PHOTOSCRIBE_RUN_END, …_NAME, …_DONE, …_FAILED and more in its environment, or an\n"
         "http(s):// address that gets them as JSON by POST; a minute at most")
      ->group(when);
  s.flag("--weight", "schedule.weight", "N",
         "share of the workers, relative to other runs on the same Redis (default: 1)")
      ->group(when);
  s.flag("--priority", "schedule.priority", "N",
         "workers serve a lower priority only while higher ones have no work (default: 0)")
      ->group(when);
}

void add_setting_options(RunOptions& options, RunVerb verb) {
  Settings& s = options.settings;
  s.flag("-o,--output", "database", "DB", "the SQLite database (default: archive.db)");
  const std::string model = "Model and verdict", machine = "Machine";
  s.flag("--model", "model", "fast|best|FOLDER",
         "the name of a bundled model, or a model's folder (default: fast)")
      ->group(model);
  s.flag("--blur-threshold", "blur.blur_threshold", "SCORE",
         "photos that score below it are blurred and get no caption (default: 100)")
      ->group(model);
  s.flag("--blur-mode", "blur.mode", "MODE",
         "full, normalised, tile_max, edges or learned (default: full)")
      ->group(model);
  s.flag("--min-confidence", "confidence.min", "P",
         "captions less likely to be right are unsure: kept but not shown; 0 shows all\n"
         "(default: the model's)")
      ->group(model);
  s.flag("--beam", "search.beam", "N",
         "hypotheses kept per photo; 1 is greedy and fastest (default: the model's)")
      ->group(model);
  s.flag("--min-concept-probability", "concepts.min_probability", "P",
         "concepts (what the model's classifier sees in a photo) less probable than this are not\n"
         "kept unless the caption names them, which makes the database smaller (default: 0, up to\n"
         "16 of each photo are)")
      ->group(model);
  s.flag(
       "--keep-alternatives", "search.alternatives", "N",
       "keep the search's other finished captions, the N likeliest, 0 to 4: serve shows them, and\n"
       "export has them; they cost some captioning time (default: 0)")
      ->group(model);
  s.flag("--keep-attention", "search.attention", "0|1",
         "1 keeps where the model looked for each word, which serve shows over the photo: 1 to\n"
         "4 KB a photo; models without attention have none (default: 0)")
      ->group(model);
  s.flag("--near-duplicates", "reuse.near_duplicates", "BITS",
         "photos that look like one already captioned reuse its caption: perceptual hashes that\n"
         "differ in at most this many of 64 bits, 0 to 16; try 6 (default: 0, off)")
      ->group(model);
  add_schedule_options(options);
  s.remote_flags();
  if (verb == RunVerb::submit) return;
  s.flag("--workers", "worker.count", "N", "worker processes here (default: one per GPU, else one)")
      ->group(machine);
  s.flag("--devices", "worker.devices", "LIST", "auto, cpu or cuda:0,cuda:1 (default: auto)")
      ->group(machine);
  s.flag("--batch", "worker.batch", "N", "photos per network call (default: automatic)")
      ->group(machine);
  s.flag("--precision", "worker.precision", "auto|float32|bfloat16|int8",
         "numbers that a CPU multiplies (default: auto, the fastest that it has)")
      ->group(machine);
  s.flag("--memory-max", "worker.memory_max", "SIZE",
         "memory a worker may use, such as 2GiB, before it is replaced")
      ->group(machine);
  s.flag("--redis", "redis.url", "URL",
         std::string("a Redis server instead of a private one:\n") + kRedisHelp)
      ->group(machine);
}

}  // namespace photoscribe::cli
