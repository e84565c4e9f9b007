#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "common/scores/frequency_file.h"
#include "common/scores/signature.h"
#include "common/text/safe_text.h"
#include "ops/cli/score/score_input.h"
#include "ops/cli/score/score_output.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/verbs/verbs.h"

namespace photoscribe::cli {
namespace {

struct ScoreOptions {
  ScoreRequest request;
  std::string tokenizer;  // empty: the rule's own
  std::string rule = "coco";
  std::string frequencies_file, save_frequencies_file;
  int resamples = 0;
  std::uint64_t seed = 12345;
  int threads = 0;  // 0: one per core
  bool bleu_only = false;
  bool chair = false;
  std::string chair_objects_file;  // empty: the built-in list
  bool per_item = false;
  bool json = false;
};

/// Which lines of a file are not captions and were left out.
void print_left_out(const std::string& file, const LeftOut& left_out) {
  if (left_out.count == 0) return;
  write_all(STDERR_FILENO,
            "note: " + shown(file + ": " + to_text(left_out)) + "; --strict refuses such a file\n");
}

/// Seconds since the last lap.
class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::int64_t peak_memory_bytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;  // Linux counts kilobytes
}

/// The table that --df names, else that of the references themselves; saved where --save-df asks.
Expected<DocumentFrequencies> frequencies(const ScoreOptions& options, ScoreInput& input,
                                          int threads) {
  DocumentFrequencies table;
  if (options.frequencies_file.empty()) {
    table = frequencies_of(input.references, input.pairs, threads);
  } else {
    auto loaded =
        load_frequencies(options.frequencies_file, input.words, options.request.tokenizer);
    if (!loaded) return fail(loaded.error());
    table = std::move(*loaded);
  }
  if (!options.save_frequencies_file.empty()) {
    const Status saved = save_frequencies(options.save_frequencies_file, table, input.words,
                                          options.request.tokenizer);
    if (!saved) return fail(saved.error());
  }
  return table;
}

/// CHAIR and its list of objects.
struct Objects {
  std::optional<ObjectLexicon> own;  // of --chair-objects
  std::optional<CorpusChair> corpus;
};

Status read_objects(const ScoreOptions& options, const ScoreInput& input, Objects& objects) {
  if (!options.chair) return {};
  if (!options.chair_objects_file.empty()) {
    auto own = ObjectLexicon::read(options.chair_objects_file);
    if (!own) return fail(own.error());
    objects.own = std::move(*own);
  }
  objects.corpus.emplace(objects.own ? *objects.own : ObjectLexicon::built_in(), input.words,
                         input.hypotheses, input.references);
  return {};
}

ChairFigures chair_of(const CorpusChair& corpus, const ScoreInput& input,
                      const BootstrapSettings& bootstrap) {
  const auto photos = corpus.counts(input.pairs, bootstrap.threads);
  ChairFigures figures;
  figures.counts = sum_of(photos);
  figures.score = chair_score(figures.counts);
  if (bootstrap.resamples > 0) figures.intervals = chair_intervals(photos, bootstrap);
  figures.corpus = &corpus;
  return figures;
}

ScoreSignature signature_of(const ScoreOptions& options, const ScoreInput& input, BleuRule rule,
                            const DocumentFrequencies& table, const Objects& objects) {
  ScoreSignature signature;
  signature.version = PHOTOSCRIBE_VERSION;
  signature.photos = std::ssize(input.pairs);
  signature.references_min = input.references_min;
  signature.references_max = input.references_max;
  signature.tokenizer = options.request.tokenizer;
  signature.rule = rule;
  if (!options.frequencies_file.empty()) signature.frequency_photos = table.photos();
  const std::string& split = options.request.split;
  signature.split = split.substr(split.rfind('/') + 1);
  signature.resamples = options.resamples;
  signature.seed = options.seed;
  signature.bleu_only = options.bleu_only;
  if (objects.corpus) signature.chair_objects = objects.corpus->lexicon().hash();
  return signature;
}

Expected<ScoreFigures> compute(const ScoreOptions& options, ScoreInput& input,
                               const Objects& objects, Stopwatch& stopwatch) {
  const int threads = options.request.threads;
  Expected<DocumentFrequencies> table;
  if (!options.bleu_only) table = frequencies(options, input, threads);
  if (!table) return fail(table.error());
  ScoreFigures figures;
  figures.stage_seconds.emplace_back("frequencies", stopwatch.lap());
  figures.rule = *bleu_rule_named(options.rule);
  figures.bleu_only = options.bleu_only;
  figures.photos = options.bleu_only ? score_photos_by_bleu(input.hypotheses, input.references,
                                                            input.pairs, figures.rule, threads)
                                     : score_photos(input.hypotheses, input.references, input.pairs,
                                                    *table, figures.rule, threads);
  figures.corpus = score_of(figures.photos, figures.rule);
  figures.stage_seconds.emplace_back("scores", stopwatch.lap());
  figures.bootstrap = {options.resamples, options.seed, threads};
  if (options.resamples > 0)
    figures.intervals = bootstrap_intervals(figures.photos, figures.rule, figures.bootstrap);
  if (options.resamples > 0) figures.stage_seconds.emplace_back("bootstrap", stopwatch.lap());
  if (objects.corpus) {
    figures.chair = chair_of(*objects.corpus, input, figures.bootstrap);
    figures.stage_seconds.emplace_back("chair", stopwatch.lap());
  }
  figures.signature = signature_text(signature_of(options, input, figures.rule, *table, objects));
  figures.frequencies_of_one = table->photos() == 1;
  return figures;
}

int score(ScoreOptions options) {
  Stopwatch stopwatch;
  if (options.tokenizer.empty()) options.tokenizer = options.rule == "sacrebleu" ? "13a" : "ptb";
  options.request.tokenizer = *tokenizer_named(options.tokenizer);
  options.request.threads =
      options.threads > 0 ? options.threads
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const auto input = read_score_input(options.request);
  if (!input) return report("score", input.error());
  print_left_out(options.request.hypotheses_file, (*input)->wrong_hypotheses);
  print_left_out(options.request.references_file, (*input)->wrong_references);
  Objects objects;
  if (Status read = read_objects(options, **input, objects); !read)
    return report("score", read.error());
  const double reading = stopwatch.lap();
  Expected<ScoreFigures> figures = compute(options, **input, objects, stopwatch);
  if (!figures) return report("score", figures.error());
  figures->stage_seconds.emplace(figures->stage_seconds.begin(), "reading", reading);
  for (const auto& [stage, seconds] : figures->stage_seconds) figures->seconds += seconds;
  figures->peak_memory_bytes = peak_memory_bytes();

  if (options.json) {
    write_figures_json(*figures, **input, options.per_item);
    return kExitDone;
  }
  if (options.per_item) write_items_text(*figures, **input);
  // With a line per photo on standard output, the summary goes to standard error.
  const int where = options.per_item ? STDERR_FILENO : STDOUT_FILENO;
  write_all(where, figures_text(*figures, **input, Ink::of(where)));
  return kExitDone;
}

void add_score_options(CLI::App& verb, ScoreOptions& options) {
  verb.add_option(
          "--hypotheses", options.request.hypotheses_file,
          "one caption per photo: JSON Lines {\"id\",\"caption\"}, CSV with a heading, COCO\n"
          "results JSON, or what photoscribe export writes; - is standard input")
      ->type_name("FILE")
      ->required();
  verb.add_option("--references", options.request.references_file,
                  "JSON Lines {\"id\",\"captions\":[…]}, Flickr8k.token.txt, Flickr30k's .token,\n"
                  "Kaggle's captions.txt, Karpathy's dataset_*.json, COCO's captions_*.json")
      ->type_name("FILE")
      ->required();
  verb.add_option("--split", options.request.split,
                  "only these photos: a list of file names, or a split by its name (test) where\n"
                  "the references have splits")
      ->type_name("LIST");
  verb.add_flag("--allow-missing", options.request.allow_missing,
                "skip photos that only one of the files has, instead of refusing");
  verb.add_flag(
      "--strict", options.request.strict,
      "refuse a file with a malformed line or item, instead of skipping it with a warning");
  verb.add_option("--tokenizer", options.tokenizer,
                  "ptb (as coco-caption), none (split at blanks) or 13a (as sacreBLEU)\n"
                  "(default: ptb; 13a with --bleu sacrebleu)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"ptb", "none", "13a"}));
  verb.add_option("--bleu", options.rule,
                  "coco, nltk0 … nltk4 (NLTK's smoothing methods) or sacrebleu (exp)\n"
                  "(default: coco)")
      ->type_name("RULE")
      ->check(CLI::IsMember({"coco", "nltk0", "nltk1", "nltk2", "nltk3", "nltk4", "sacrebleu"}));
  verb.add_option("--df", options.frequencies_file,
                  "CIDEr-D's document frequencies from this table, not from these references")
      ->type_name("FILE");
  verb.add_option("--save-df", options.save_frequencies_file, "write that table")
      ->type_name("FILE");
  verb.add_option("--bootstrap", options.resamples, "95 % intervals from N resamples of photos")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  verb.add_option("--seed", options.seed, "seed of the resamples (default: 12345)")->type_name("N");
  verb.add_option("--threads", options.threads,
                  "threads to read, tokenise and score; any number gives the same scores\n"
                  "(default: one per core)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  CLI::Option* const bleu_only =
      verb.add_flag("--bleu-only", options.bleu_only, "BLEU alone: faster, and less memory");
  for (const char* name : {"--df", "--save-df"}) bleu_only->excludes(verb.get_option(name));
  CLI::Option* const chair = verb.add_flag(
      "--chair", options.chair,
      "also CHAIR: captions that name an object that no reference names (CHAIRs), the share\n"
      "of such objects (CHAIRi), and how many of the objects that 3 references name are named");
  verb.add_option("--chair-objects", options.chair_objects_file,
                  "your own list for --chair, such as common/scores/objects.txt: one object per\n"
                  "line, its name and synonyms, separated by commas")
      ->type_name("FILE")
      ->needs(chair);
  verb.add_flag("--per-item", options.per_item,
                "also each photo's scores: tab-separated, or \"items\" with --json");
  verb.add_flag("--json", options.json, "one JSON object; scores on the 0-1 scale (CIDEr-D 0-10)");
}

}  // namespace

void add_score(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand(
      "score", "score any captions from two files: BLEU, ROUGE-L, CIDEr-D and CHAIR");
  const auto options = std::make_shared<ScoreOptions>();
  add_score_options(*verb, *options);
  verb->footer(
      "Needs no photos, no Redis and no model. Scores equal coco-caption's (pycocoevalcap's); the\n"
      "signature records everything that a figure depends on.\n"
      "Examples:\n"
      "  photoscribe score --hypotheses mine.jsonl --references Flickr8k.token.txt \\\n"
      "                    --split Flickr_8k.devImages.txt --bootstrap 1000\n"
      "  photoscribe export dev.db --format jsonl | \\\n"
      "      photoscribe score --hypotheses - --references dataset_flickr8k.json --split val\n"
      "  photoscribe score --hypotheses mine.jsonl --references captions_val2014.json --chair\n"
      "  photoscribe score --hypotheses few.csv --references few.jsonl --df flickr8k.df --json");
  verb->callback([options, &action] { action = [options] { return score(*options); }; });
}

}  // namespace photoscribe::cli
