#include "models/train/settings_text.h"

#include <ATen/ATen.h>

#include <map>
#include <sstream>

#include "common/core/fnv1a.h"
#include "common/core/model_folder.h"
#include "models/train/finetune.h"

namespace photoscribe {
namespace {

/// name -> value of lines "name: value"; indented ones are members of the last one that is not.
std::map<std::string, std::string> fields_of(const std::string& text) {
  std::map<std::string, std::string> fields;
  std::istringstream lines(text);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find_first_not_of(' '), colon = line.find(':');
    if (first == std::string::npos || colon == std::string::npos) continue;
    std::string name = line.substr(first, colon - first);
    if (first == 0) section = name;
    if (first > 0) name = section + "." + name;
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    fields[name] = value == std::string::npos ? "" : line.substr(value);
  }
  return fields;
}

/// A key of all that the targets say.
std::string key_of(const ConceptTargets& targets) {
  Fnv1a hash;
  for (const torch::Tensor& one : {targets.probability, targets.weight, targets.unknown}) {
    const torch::Tensor bytes = one.contiguous();
    hash.add(bytes.data_ptr(), bytes.nbytes());
  }
  return hash.text();
}

}  // namespace

std::string data_key(const std::vector<CaptionedPhoto>& photos) {
  Fnv1a hash;
  for (const CaptionedPhoto& photo : photos) {
    hash.add(photo.name);
    hash.add(std::to_string(photo.times));
    for (const Tokens& caption : photo.captions) {
      for (const std::string& word : caption) hash.add(word);
      hash.add("");
    }
  }
  return std::to_string(photos.size()) + " photos, key " + hash.text();
}

std::string settings_text(const FitOptions& o, const Vocabulary& vocabulary,
                          const std::vector<CaptionedPhoto>& train,
                          const std::vector<CaptionedPhoto>& dev, std::size_t usable) {
  std::ostringstream text;
  text << to_yaml(o.architecture, o.search);
  const auto line = [&text](const char* name, const auto& value) {
    text << name << ": " << value << '\n';
  };
  line("train", data_key(train));
  line("dev", data_key(dev));
  line("photos that decode", usable);
  line("words", vocabulary.size());
  line("epochs", o.epochs);
  line("batch-photos", o.batch_photos);
  line("rate", o.rate);
  line("rate-end", o.rate_end);
  line("warmup-steps", o.warmup_steps);
  line("weight-decay", o.weight_decay);
  line("clip-norm", o.clip_norm);
  line("dropout", o.loss.dropout);
  line("annotation-dropout", o.loss.annotation_dropout);
  line("label-smoothing", o.loss.label_smoothing);
  line("attention-penalty", o.loss.attention_penalty);
  line("select-by", to_string(o.select_by));
  line("mirror", o.mirror);
  line("seed", o.seed);
  line("average", o.average);
  line("start", o.start);
  line("cache-block", o.cache_block);
  line("encoder-share", o.encoder_share);
  line("views", o.views);
  if (!o.text.empty()) {
    line("text", o.text);
    line("text-rows", o.text_rows);
    line("text-share", o.text_share);
  }
  if (!o.teacher.empty() || is_fine_tuning(o)) {
    line("teacher", o.teacher);
    line("teacher-share", o.loss.teacher_share);
  }
  return text.str();
}

std::string settings_text(const EncoderFitOptions& o, const StoredModel& model,
                          const std::vector<CaptionedPhoto>& train,
                          const std::vector<CaptionedPhoto>& dev, const ConceptTargets& targets,
                          std::size_t usable) {
  std::ostringstream text;
  const auto line = [&text](const char* name, const auto& value) {
    text << name << ": " << value << '\n';
  };
  line("model", model.folder.hash);
  line("train", data_key(train));
  line("dev", data_key(dev));
  line("labels", key_of(targets));
  line("photos_that_decode", usable);
  line("cache_block", o.cache_block);
  line("views", o.views);
  line("mirror", o.mirror);
  line("bfloat16", o.bfloat16);
  line("epochs", o.epochs);
  line("batch_photos", o.batch_photos);
  line("rate", o.rate);
  line("encoder_share", o.encoder_share);
  line("keep", o.keep);
  line("weight_decay", o.weight_decay);
  line("average", o.average);
  line("seed", o.seed);
  return text.str();
}

std::string difference(const std::string& before, const std::string& here) {
  constexpr int kShownMax = 5;
  if (before == here) return {};
  const auto then = fields_of(before), now = fields_of(here);
  std::map<std::string, std::string> all = then;
  all.insert(now.begin(), now.end());
  const auto value = [](const auto& fields, const std::string& name) {
    const auto found = fields.find(name);
    return found == fields.end() || found->second.empty() ? std::string("none") : found->second;
  };
  std::string text;
  int differ = 0;
  for (const auto& [name, ignored] : all) {
    const std::string was = value(then, name), is = value(now, name);
    if (was == is || ++differ > kShownMax) continue;
    text += (text.empty() ? "" : "; ") + name + " " + was + ", here " + is;
  }
  if (differ > kShownMax) text += "; …";
  return differ > 0 ? text : "written by another version of photoscribe-train";
}

}  // namespace photoscribe
