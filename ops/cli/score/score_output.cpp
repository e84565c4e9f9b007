#include "ops/cli/score/score_output.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "common/core/standard_output.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"

namespace photoscribe::cli {
namespace {

using nlohmann::ordered_json;

std::string line(const char* name, double score, const Interval* interval, const Ink& ink) {
  std::string text = fmt::format("  {:8}{}", name, ink.bold(fmt::format("{:6.2f}", score * 100)));
  if (interval != nullptr) {
    text += ink.dim(fmt::format("   [{:.2f}, {:.2f}]", interval->low * 100, interval->high * 100));
  }
  return text + "\n";
}

/// Writes a block at a time, so that a million items are not held in memory as one text.
void write_items(const ScoreFigures& figures, const ScoreInput& input,
                 const std::function<std::string(std::string_view, std::size_t)>& item) {
  constexpr std::size_t kBlock = 1 << 18;
  std::string block;
  for (std::size_t i = 0; i < figures.photos.size(); ++i) {
    block += item(input.hypotheses.name(input.pairs[i].hypothesis), i);
    if (block.size() < kBlock) continue;
    if (!write_standard_output(block)) return;
    block.clear();
  }
  write_standard_output(block);
}

ordered_json names_of(const ObjectLexicon& lexicon, const ObjectIds& ids) {
  ordered_json names = ordered_json::array();
  for (const int id : ids) names.push_back(replaced(lexicon.name(id)));
  return names;
}

std::string joined(const ObjectLexicon& lexicon, const ObjectIds& ids) {
  std::string text;
  for (const int id : ids) text += (text.empty() ? "" : ", ") + shown(lexicon.name(id));
  return text;
}

std::string chair_text(const ChairFigures& chair, const Ink& ink) {
  const ChairIntervals* const all = chair.intervals ? &*chair.intervals : nullptr;
  const ChairCounts& counts = chair.counts;
  std::string text =
      line("CHAIRs", chair.score.chair_s, all != nullptr ? &all->chair_s : nullptr, ink) +
      line("CHAIRi", chair.score.chair_i, all != nullptr ? &all->chair_i : nullptr, ink);
  if (counts.main > 0)
    text += line("recall", chair.score.recall, all != nullptr ? &all->recall : nullptr, ink);
  return text + "CHAIRs: " + counted(counts.captions_hallucinating, "caption") + " of " +
         grouped(counts.captions) +
         " with an object that no reference names; CHAIRi: " + grouped(counts.hallucinated) +
         " such\nobjects of " + grouped(counts.named) +
         " named; recall: " + grouped(counts.main_named) + " named of " + grouped(counts.main) +
         " that " + std::to_string(kMainReferences) + " references name.\n";
}

ordered_json interval_json(const Interval& interval) {
  return ordered_json::array({interval.low, interval.high});
}

}  // namespace

std::string figures_text(const ScoreFigures& figures, const ScoreInput& input, const Ink& ink) {
  const CorpusScore& c = figures.corpus;
  const ScoreIntervals* const all = figures.intervals ? &*figures.intervals : nullptr;
  std::string text = counted(std::ssize(figures.photos), "photo") + ", " +
                     counted(input.reference_captions, "reference") + "; scores of 100" +
                     (all != nullptr ? ", 95 % intervals over photos" : "") + "\n";
  static constexpr std::array<const char*, 4> kNames{"BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"};
  for (std::size_t n = 0; n < 4; ++n)
    text += line(kNames[n], c.bleu[n], all != nullptr ? &all->bleu[n] : nullptr, ink);
  if (!figures.bleu_only) {
    text += line("ROUGE-L", c.rouge_l, all != nullptr ? &all->rouge_l : nullptr, ink);
    text += line("CIDEr-D", c.cider_d, all != nullptr ? &all->cider_d : nullptr, ink);
  }
  if (figures.chair) text += chair_text(*figures.chair, ink);
  const auto note = [&](std::int64_t count, const char* what) {
    if (count > 0) text += "Left out: " + counted(count, "photo") + " " + what + "\n";
  };
  note(input.outside_split, "outside the split");
  note(input.not_captioned, "that the hypotheses list without a caption");
  note(input.without_references, "without references");
  note(input.without_hypothesis, "without a caption in the hypotheses");
  if (figures.frequencies_of_one) {
    text +=
        "CIDEr-D is 0 by its definition for one photo against its own references: give --df FILE\n"
        "with the document frequencies of many (--save-df makes one).\n";
  }
  return text + ink.dim("signature " + shown(figures.signature)) + "\n" +
         ink.dim(duration_text(figures.seconds) + ", at most " +
                 bytes_text(figures.peak_memory_bytes) + " of memory") +
         "\n";
}

namespace {

ordered_json chair_json(const ChairFigures& chair) {
  const ChairCounts& counts = chair.counts;
  ordered_json json{{"objects", chair.corpus->lexicon().hash()},
                    {"chair_s", chair.score.chair_s},
                    {"chair_i", chair.score.chair_i},
                    {"recall", counts.main > 0 ? ordered_json(chair.score.recall) : ordered_json()},
                    {"captions", counts.captions},
                    {"captions_hallucinating", counts.captions_hallucinating},
                    {"named", counts.named},
                    {"hallucinated", counts.hallucinated},
                    {"main", counts.main},
                    {"main_named", counts.main_named},
                    {"intervals", nullptr}};
  if (chair.intervals) {
    json["intervals"] = {
        {"chair_s", interval_json(chair.intervals->chair_s)},
        {"chair_i", interval_json(chair.intervals->chair_i)},
        {"recall", counts.main > 0 ? interval_json(chair.intervals->recall) : ordered_json()}};
  }
  return json;
}

ordered_json objects_json(const CorpusChair& corpus, ScoredPair pair) {
  const ChairObjects objects = corpus.of(pair);
  return {{"named", names_of(corpus.lexicon(), objects.named)},
          {"hallucinated", names_of(corpus.lexicon(), objects.hallucinated)},
          {"main", names_of(corpus.lexicon(), objects.main)},
          {"main_named", names_of(corpus.lexicon(), objects.main_named)}};
}

}  // namespace

void write_figures_json(const ScoreFigures& figures, const ScoreInput& input, bool per_item) {
  const auto or_null = [&](const ordered_json& value) {
    return figures.bleu_only ? ordered_json() : value;
  };
  ordered_json corpus{{"bleu", figures.corpus.bleu},
                      {"rouge_l", or_null(figures.corpus.rouge_l)},
                      {"cider_d", or_null(figures.corpus.cider_d)}};
  corpus["chair"] = figures.chair ? chair_json(*figures.chair) : ordered_json();
  if (figures.intervals) {
    ordered_json bleu = ordered_json::array();
    for (const Interval& one : figures.intervals->bleu) bleu.push_back(interval_json(one));
    corpus["intervals"] = {{"level", 0.95},
                           {"resamples", figures.bootstrap.resamples},
                           {"seed", figures.bootstrap.seed},
                           {"bleu", bleu},
                           {"rouge_l", or_null(interval_json(figures.intervals->rouge_l))},
                           {"cider_d", or_null(interval_json(figures.intervals->cider_d))}};
  } else {
    corpus["intervals"] = nullptr;
  }
  ordered_json stages = ordered_json::object();
  for (const auto& [name, seconds] : figures.stage_seconds) stages[name] = seconds;
  ordered_json object{{"signature", replaced(figures.signature)},
                      {"photos", figures.photos.size()},
                      {"references", input.reference_captions},
                      {"left_out",
                       {{"outside_split", input.outside_split},
                        {"not_captioned", input.not_captioned},
                        {"without_references", input.without_references},
                        {"without_hypothesis", input.without_hypothesis},
                        {"wrong_hypotheses", input.wrong_hypotheses.count},
                        {"wrong_references", input.wrong_references.count}}},
                      {"seconds", figures.seconds},
                      {"stage_seconds", stages},
                      {"peak_memory_bytes", figures.peak_memory_bytes},
                      {"corpus", corpus}};
  std::string text = object.dump();
  if (!per_item) {
    write_standard_output(text + "\n");
    return;
  }
  text.back() = ',';  // the object continues
  write_standard_output(text + "\"items\":[");
  bool first = true;
  write_items(figures, input, [&](std::string_view id, std::size_t i) {
    const PhotoScore& photo = figures.photos[i];
    ordered_json item{{"id", replaced(id)},
                      {"bleu", sentence_bleu_by(figures.rule, photo.counts)},
                      {"rouge_l", or_null(photo.rouge_l)},
                      {"cider_d", or_null(photo.cider_d)}};
    if (figures.chair) item["chair"] = objects_json(*figures.chair->corpus, input.pairs[i]);
    return (std::exchange(first, false) ? "\n" : ",\n") + item.dump();
  });
  write_standard_output("\n]}\n");
}

void write_items_text(const ScoreFigures& figures, const ScoreInput& input) {
  const std::string head = std::string("photo\tbleu1\tbleu2\tbleu3\tbleu4\trouge_l\tcider_d") +
                           (figures.chair ? "\tnamed\thallucinated\tmain_named\tmain" : "") + "\n";
  write_standard_output(head);
  write_items(figures, input, [&](std::string_view id, std::size_t i) {
    const PhotoScore& photo = figures.photos[i];
    std::string text = shown(id);
    for (const double score : sentence_bleu_by(figures.rule, photo.counts))
      text += '\t' + fixed(score * 100, 2);
    text += '\t' + fixed(photo.rouge_l * 100, 2) + '\t' + fixed(photo.cider_d * 100, 2);
    if (figures.chair) {
      const CorpusChair& corpus = *figures.chair->corpus;
      const ChairObjects objects = corpus.of(input.pairs[i]);
      for (const ObjectIds* ids :
           {&objects.named, &objects.hallucinated, &objects.main_named, &objects.main})
        text += '\t' + joined(corpus.lexicon(), *ids);
    }
    return text + '\n';
  });
}

}  // namespace photoscribe::cli
