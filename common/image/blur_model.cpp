#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <string>

#include "common/image/blur_evidence.h"

namespace photoscribe::image {
namespace {

constexpr std::array<std::string_view, kEvidences> kNames{
    "busy_24", "busiest_24", "tails", "fine_12", "fine_13", "contrast", "small_edges"};

std::vector<std::string_view> words_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return words;
    const std::size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

bool read(std::string_view word, double& value) {
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), value);
  return failed == std::errc() && end == word.data() + word.size() && std::isfinite(value);
}

bool read(std::string_view word, std::size_t& which) {
  which = static_cast<std::size_t>(std::find(kNames.begin(), kNames.end(), word) - kNames.begin());
  return which < kEvidences;
}

/// One line's words; false when they are none of the forms.
bool take(const std::vector<std::string_view>& words, BlurModel& model) {
  std::size_t i = 0, j = 0;
  if (words[0] == "bias") return words.size() == 2 && read(words[1], model.bias);
  if (words[0] == "evidence") {
    return words.size() == 5 && read(words[1], i) && read(words[2], model.mean[i]) &&
           read(words[3], model.deviation[i]) && model.deviation[i] > 0 &&
           read(words[4], model.linear[i]);
  }
  return words[0] == "product" && words.size() == 4 && read(words[1], i) && read(words[2], j) &&
         j <= i && read(words[3], model.product[i][j]);
}

}  // namespace

std::string_view to_string(Evidence evidence) noexcept {
  return kNames[static_cast<std::size_t>(evidence)];
}

Expected<BlurModel> parse_blur_model(std::string_view text) {
  BlurModel model;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!words.empty() && !take(words, model))
      return fail(Errc::invalid_config,
                  "blur model: line " + std::to_string(number) + ": not evidence, product or bias");
  }
  if (std::find(model.deviation.begin(), model.deviation.end(), 0.0) != model.deviation.end())
    return fail(Errc::invalid_config, "blur model: an evidence is missing");
  return model;
}

const BlurModel& blur_model() {
  static const BlurModel model = [] {
    const auto parsed = parse_blur_model(blur_model_text());
    assert(parsed);  // a test reads it, too
    return parsed ? *parsed : BlurModel{};
  }();
  return model;
}

double comparable(const BlurModel& model, const BlurEvidence& evidence, std::size_t i) noexcept {
  constexpr double kFarthest = 3.5;
  return std::clamp((evidence[i] - model.mean[i]) / model.deviation[i], -kFarthest, kFarthest);
}

double clear_percent(const BlurModel& model, const BlurEvidence& evidence) {
  BlurEvidence value{};
  double sum = model.bias;
  for (std::size_t i = 0; i < kEvidences; ++i) {
    value[i] = comparable(model, evidence, i);
    sum += model.linear[i] * value[i];
    for (std::size_t j = 0; j <= i; ++j) sum += model.product[i][j] * value[i] * value[j];
  }
  return 100 / (1 + std::exp(-sum));
}

}  // namespace photoscribe::image
