#include "models/train/progress/progress.h"

#include <fmt/format.h>

#include <stdexcept>

namespace photoscribe {
namespace {

std::string exact(double number) { return fmt::format("{:.17g}", number); }

double number_or(const Metadata& metadata, const char* name, double otherwise) {
  const auto found = metadata.find(name);
  return found == metadata.end() ? otherwise : std::stod(found->second);
}

}  // namespace

const char* to_string(Stage stage) noexcept {
  return stage == Stage::decoder ? "decoder" : stage == Stage::critic ? "critic" : "whole";
}

Stage stage_from_string(const std::string& text) {
  for (const Stage stage : {Stage::decoder, Stage::critic, Stage::whole})
    if (text == to_string(stage)) return stage;
  throw std::runtime_error("there is no stage '" + text + "'");
}

Metadata to_metadata(const Progress& p) {
  return {{"stage", to_string(p.stage)},
          {"step", std::to_string(p.step)},
          {"scored", std::to_string(p.scored)},
          {"best_score", exact(p.best_score)},
          {"best_step", std::to_string(p.best.step)},
          {"best_epoch", std::to_string(p.best.epoch)},
          {"best_bleu4", exact(p.best.bleu4)},
          {"best_cider", exact(p.best.cider)},
          {"epochs_since_best", std::to_string(p.epochs_since_best)},
          {"loss_sum", exact(p.loss_sum)},
          {"loss_count", exact(p.loss_count)},
          {"seconds", exact(p.seconds)},
          {"curve", p.curve},
          {"ending", p.ending}};
}

Progress progress_of(const Metadata& metadata) {
  Progress p;
  p.stage = stage_from_string(metadata.at("stage"));
  p.step = std::stoll(metadata.at("step"));
  p.scored = static_cast<std::int64_t>(
      number_or(metadata, "scored", static_cast<double>(p.step)));  // it was saved after the score
  p.best_score = std::stod(metadata.at("best_score"));
  p.best.step = static_cast<std::int64_t>(number_or(metadata, "best_step", 0));
  p.best.epoch = static_cast<std::int64_t>(number_or(metadata, "best_epoch", 0));
  p.best.bleu4 = number_or(metadata, "best_bleu4", p.best_score);
  p.best.cider = number_or(metadata, "best_cider", -1);
  p.epochs_since_best = std::stoll(metadata.at("epochs_since_best"));
  p.loss_sum = number_or(metadata, "loss_sum", 0);
  p.loss_count = number_or(metadata, "loss_count", 0);
  p.seconds = std::stod(metadata.at("seconds"));
  p.curve = metadata.at("curve");
  if (const auto found = metadata.find("ending"); found != metadata.end()) p.ending = found->second;
  return p;
}

}  // namespace photoscribe
