#include "ops/cli/score_output.h"

#include <array>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "ops/cli/human_numbers.h"
#include "ops/cli/safe_text.h"

namespace photoscribe::cli {
namespace {

using nlohmann::ordered_json;

std::string fixed(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string line(const char* name, double score, const Interval* interval, const Ink& ink) {
  char head[32];
  std::snprintf(head, sizeof head, "  %-8s", name);
  char figure[32];
  std::snprintf(figure, sizeof figure, "%6.2f", score * 100);
  std::string text = head + ink.bold(figure);
  if (interval != nullptr) {
    text += ink.dim("   [" + fixed(interval->low * 100, 2) + ", " + fixed(interval->high * 100, 2) +
                    "]");
  }
  return text + "\n";
}

/// A block of output at a time: a million items are not held as one text.
bool write_items(int descriptor, const ScoreFigures& figures, const ScoreInput& input,
                 const std::function<std::string(std::string_view, const PhotoScore&)>& item) {
  constexpr std::size_t kBlock = 1 << 18;
  std::string block;
  for (std::size_t i = 0; i < figures.photos.size(); ++i) {
    block += item(input.hypotheses.name(input.pairs[i].hypothesis), figures.photos[i]);
    if (block.size() < kBlock) continue;
    if (!write_all(descriptor, block)) return false;
    block.clear();
  }
  return write_all(descriptor, block);
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

bool write_figures_json(int descriptor, const ScoreFigures& figures, const ScoreInput& input,
                        bool per_item) {
  const auto or_null = [&](const ordered_json& value) {
    return figures.bleu_only ? ordered_json() : value;
  };
  ordered_json corpus{{"bleu", figures.corpus.bleu},
                      {"rouge_l", or_null(figures.corpus.rouge_l)},
                      {"cider_d", or_null(figures.corpus.cider_d)}};
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
                        {"without_hypothesis", input.without_hypothesis}}},
                      {"seconds", figures.seconds},
                      {"stage_seconds", stages},
                      {"peak_memory_bytes", figures.peak_memory_bytes},
                      {"corpus", corpus}};
  std::string text = object.dump();
  if (!per_item) return write_all(descriptor, text + "\n");
  text.back() = ',';  // the object goes on
  if (!write_all(descriptor, text + "\"items\":[")) return false;
  bool first = true;
  const bool written =
      write_items(descriptor, figures, input, [&](std::string_view id, const PhotoScore& photo) {
        const ordered_json item{{"id", replaced(id)},
                                {"bleu", sentence_bleu_by(figures.rule, photo.counts)},
                                {"rouge_l", or_null(photo.rouge_l)},
                                {"cider_d", or_null(photo.cider_d)}};
        return (std::exchange(first, false) ? "\n" : ",\n") + item.dump();
      });
  return written && write_all(descriptor, "\n]}\n");
}

bool write_items_text(int descriptor, const ScoreFigures& figures, const ScoreInput& input) {
  if (!write_all(descriptor, "photo\tbleu1\tbleu2\tbleu3\tbleu4\trouge_l\tcider_d\n")) return false;
  return write_items(descriptor, figures, input, [&](std::string_view id, const PhotoScore& photo) {
    std::string text = shown(id);
    for (const double score : sentence_bleu_by(figures.rule, photo.counts))
      text += '\t' + fixed(score * 100, 2);
    return text + '\t' + fixed(photo.rouge_l * 100, 2) + '\t' + fixed(photo.cider_d * 100, 2) +
           '\n';
  });
}

}  // namespace photoscribe::cli
