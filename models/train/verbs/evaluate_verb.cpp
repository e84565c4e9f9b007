// The verb evaluate: a model's captions of a split, and their scores.
#include <ATen/ATen.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/core/output_file.h"
#include "common/scores/bootstrap.h"
#include "common/scores/score_corpus.h"
#include "common/scores/signature.h"
#include "models/format/model_store.h"
#include "models/search/caption_network.h"
#include "models/train/data/dataset.h"
#include "models/train/data/photo_finder.h"
#include "models/train/data/splits.h"
#include "models/train/features.h"
#include "models/train/progress/progress_line.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {
namespace {

struct EvaluateOptions {
  std::vector<std::string> models;  // several: an ensemble
  CaptionSources sources;
  std::string split, hypotheses;
  std::vector<int> beams;
  double length_alpha = -1;                              // below 0: the model's
  double concept_said_min = -1, concept_undecided = -1;  // below 0: the model's
  int resamples = 1'000;
  int threads = 0;
  Precision precision = Precision::float32;
  bool show = false;
};

/// A model's captions of the photos of a split that decode, once for each beam.
struct SplitCaptions {
  std::vector<std::int64_t> usable;
  std::vector<std::vector<std::string>> captions;
};

/// Encodes and searches as a worker does, some photos at a time; all models together.
SplitCaptions caption_split(const std::vector<const StoredModel*>& models,
                            const std::vector<CaptionedPhoto>& split,
                            const std::vector<SearchSettings>& searches, Precision precision) {
  constexpr std::size_t kBatch = 32;
  const CaptionNetwork network(models, torch::kCPU, torch::kFloat32, precision);
  const ModelArchitecture& a = models.front()->folder.architecture;
  SplitCaptions result;
  result.captions.resize(searches.size());
  ProgressLine progress("captions", "photos");
  for (std::size_t next = 0; next < split.size();) {
    progress.update(static_cast<std::int64_t>(next), static_cast<std::int64_t>(split.size()));
    std::vector<torch::Tensor> images;
    for (; next < split.size() && images.size() < kBatch; ++next) {
      const auto photo = read_photo(split[next].path, a.input_side_px);
      if (!photo) continue;
      images.push_back(normalise(*photo, a).permute({1, 2, 0}));
      result.usable.push_back(static_cast<std::int64_t>(next));
    }
    if (images.empty()) continue;
    const torch::Tensor features = network.encode(at::stack(images).contiguous());
    for (std::size_t i = 0; i < searches.size(); ++i)
      for (const Hypothesis& one : network.decode(features, searches[i]))
        result.captions[i].push_back(models.front()->vocabulary.text(one.tokens));
  }
  return result;
}

/// What is below 0 stays as it is.
void set_concepts(StoredModel& model, double said_min, double undecided) {
  ModelArchitecture& a = model.folder.architecture;
  if (said_min >= 0) a.concept_said_min = said_min;
  if (undecided >= 0) a.concept_undecided = undecided;
  for (StoredModel& member : model.members) set_concepts(member, said_min, undecided);
}

void print_line(const char* name, double score, const Interval* interval) {
  std::printf("  %-8s %7.2f", name, 100 * score);
  if (interval != nullptr)
    std::printf("   %6.2f to %6.2f", 100 * interval->low, 100 * interval->high);
  std::printf("\n");
}

std::string joined(const Tokens& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// All scores of one set of captions, as `photoscribe score` computes them.
void print_scores(const EvaluateOptions& o, const std::vector<CaptionedPhoto>& split,
                  const std::vector<std::int64_t>& usable,
                  const std::vector<std::string>& captions) {
  TokenTable words;
  CaptionSet candidates(words, Tokenizer::ptb), references(words, Tokenizer::none);
  for (const CaptionedPhoto& one : split)
    for (const Tokens& caption : one.captions) references.add(one.name, joined(caption));
  std::vector<ScoredPair> pairs;
  ScoreSignature signature;
  signature.references_min = 1'000'000;
  for (std::size_t k = 0; k < usable.size(); ++k) {
    const std::string& name = split[static_cast<std::size_t>(usable[k])].name;
    pairs.push_back({candidates.add(name, captions[k]), *references.find(name)});
  }
  candidates.group();
  references.group();
  for (const ScoredPair& pair : pairs) {
    const auto count = static_cast<std::int64_t>(references.count_of(pair.reference));
    signature.references_min = std::min(signature.references_min, count);
    signature.references_max = std::max(signature.references_max, count);
  }
  const int threads = std::max(1, o.threads);
  const auto photos = score_photos(candidates, references, pairs, frequencies_of(references, pairs),
                                   BleuRule::coco, threads);
  const CorpusScore corpus = score_of(photos, BleuRule::coco);
  BootstrapSettings bootstrap;
  bootstrap.resamples = o.resamples;
  bootstrap.threads = threads;
  ScoreIntervals intervals;
  if (o.resamples > 0) intervals = bootstrap_intervals(photos, BleuRule::coco, bootstrap);
  const auto shown = [&o](const Interval& one) { return o.resamples > 0 ? &one : nullptr; };
  const char* const names[] = {"BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"};
  for (std::size_t n = 0; n < 4; ++n)
    print_line(names[n], corpus.bleu[n], shown(intervals.bleu[n]));
  print_line("ROUGE-L", corpus.rouge_l, shown(intervals.rouge_l));
  print_line("CIDEr-D", corpus.cider_d, shown(intervals.cider_d));
  signature.version = PHOTOSCRIBE_VERSION;
  signature.photos = static_cast<std::int64_t>(pairs.size());
  signature.split = o.split.substr(o.split.rfind('/') + 1);
  signature.resamples = o.resamples;
  signature.seed = bootstrap.seed;
  std::printf("  %s\n", signature_text(signature).c_str());
}

/// The captions as JSON Lines, for `photoscribe score`.
Status write_hypotheses(const std::string& path, const std::vector<CaptionedPhoto>& split,
                        const std::vector<std::int64_t>& usable,
                        const std::vector<std::string>& captions) {
  const auto out = OutputFile::open(path);
  if (!out) return fail(out.error());
  for (std::size_t k = 0; k < usable.size(); ++k) {
    const nlohmann::json line{{"id", split[static_cast<std::size_t>(usable[k])].name},
                              {"caption", captions[k]}};
    if (Status added = (*out)->add(line.dump() + '\n'); !added) return added;
  }
  return (*out)->finish();
}

Status report_captions(const EvaluateOptions& o, const std::vector<CaptionedPhoto>& split,
                       const std::vector<std::int64_t>& usable,
                       const std::vector<std::string>& captions, const SearchSettings& settings) {
  std::printf("beam %d, length_alpha %g: %zu photos, %zu left out\n", settings.beam,
              settings.length_alpha, usable.size(), split.size() - usable.size());
  print_scores(o, split, usable, captions);
  for (std::size_t k = 0; o.show && k < usable.size(); ++k) {
    std::printf("%s\t%s\n", split[static_cast<std::size_t>(usable[k])].name.c_str(),
                captions[k].c_str());
  }
  std::fflush(stdout);
  if (o.hypotheses.empty()) return {};
  return write_hypotheses(o.hypotheses, split, usable, captions);
}

Status evaluate(const EvaluateOptions& o) {
  if (Status checked = check_precision(o.precision); !checked) return checked;
  auto models = load_models(o.models);
  if (!models) return fail(models.error());
  for (const StoredModel& model : *models)
    if (Status checked = check_scales(model, o.precision); !checked) return checked;
  for (StoredModel& model : *models) set_concepts(model, o.concept_said_min, o.concept_undecided);
  const SearchSettings& own = models->front().folder.search;
  const auto split = read_split(o.sources, o.split);
  if (!split) return fail(split.error());
  std::vector<SearchSettings> searches;
  for (const int beam : o.beams.empty() ? std::vector<int>{own.beam} : o.beams) {
    searches.push_back(own);
    searches.back().beam = beam;
    if (o.length_alpha >= 0) searches.back().length_alpha = o.length_alpha;
  }
  auto captioned = guard(Errc::model_failure, "evaluate", [&] {
    const torch::NoGradGuard no_grad;
    return caption_split(members_of(*models), *split, searches, o.precision);
  });
  if (!captioned) return fail(captioned.error());
  if (captioned->usable.empty())
    return fail(Errc::environment,
                folders_text(o.sources.photos) + ": no photo of the split decodes there");
  for (std::size_t i = 0; i < searches.size(); ++i) {
    const Status reported =
        report_captions(o, *split, captioned->usable, captioned->captions[i], searches[i]);
    if (!reported) return reported;
  }
  return {};
}

}  // namespace

void add_evaluate(CLI::App& app, Status& status) {
  const auto state = std::make_shared<EvaluateOptions>();
  CLI::App* verb = app.add_subcommand("evaluate", "Score a model's captions on a split");
  verb->add_option("MODEL", state->models,
                   "Model folder; several form an ensemble that averages their probabilities")
      ->required();
  add_sources(*verb, state->sources);
  verb->add_option("--split", state->split,
                   "List of the photos, one name per line (fit writes WORK/dev.txt), or a split's "
                   "name if the captions have splits. Default: all photos with captions");
  verb->add_option("--beam", state->beams, "Beams to score; default: the model's own")
      ->check(CLI::Range(1, 64));
  verb->add_option("--length-alpha", state->length_alpha, "Default: the model's own");
  verb->add_option("--concept-said-min", state->concept_said_min,
                   "Concepts with at least this probability are named in the caption; 0: none must "
                   "be. Default: the model's own")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--concept-undecided", state->concept_undecided,
                   "Probability of a concept at which the classifier has no say in its words; more "
                   "names fewer false things. Default: the model's own")
      ->check(CLI::Range(0.001, 0.999));
  verb->add_option("--bootstrap", state->resamples, "Resamples for 95 % intervals; 0: none")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  verb->add_option("--hypotheses", state->hypotheses,
                   "Write the captions of the last beam to this file, for photoscribe score");
  verb->add_flag("--show", state->show, "Print every caption");
  add_threads(*verb, state->threads);
  add_precision(*verb, state->precision, {"float32", "bfloat16", "int8"});
  verb->callback([state, &status] {
    use_threads(state->threads);
    status = evaluate(*state);
  });
}

}  // namespace photoscribe
