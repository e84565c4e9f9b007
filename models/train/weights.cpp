#include "models/train/weights.h"

#include <algorithm>
#include <utility>

#include "models/format/safetensors.h"

namespace photoscribe {
namespace {

constexpr const char* kWords = "words";  // in the file's metadata: one a line

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

Expected<Weights> load_weights(const std::string& path) {
  auto tensors = load_tensors(path);
  if (!tensors) return fail(tensors.error());
  const auto file = SafetensorsFile::open(path);
  if (!file) return fail(file.error());
  Weights weights{std::move(*tensors), {}};
  if (const auto words = file->metadata().find(kWords); words != file->metadata().end())
    weights.words = lines_of(words->second);
  return weights;
}

Status save_weights(const std::string& path, const Weights& weights) {
  if (weights.words.empty()) return save_tensors(path, weights.tensors);
  std::string words;
  for (const std::string& word : weights.words) words += word + '\n';
  return save_tensors(path, weights.tensors, {{kWords, words}});
}

}  // namespace photoscribe
