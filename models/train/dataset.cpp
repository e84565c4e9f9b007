#include "models/train/dataset.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <unordered_map>

#include "common/scores/tokenize.h"

namespace photoscribe {
namespace {

std::string at_line(const std::string& path, std::size_t line) {
  return path + ", line " + std::to_string(line) + ": ";
}

Expected<std::unordered_map<std::string, std::vector<Tokens>>> read_captions(
    const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Errc::invalid_config, path + ": cannot be opened");
  std::unordered_map<std::string, std::vector<Tokens>> captions;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty()) continue;
    const auto tab = line.find('\t');
    const auto hash = line.rfind('#', tab);
    if (tab == std::string::npos || hash == std::string::npos || hash == 0)
      return fail(Errc::invalid_config, at_line(path, number) + "not name#number<TAB>caption");
    Tokens tokens = ptb_tokens(std::string_view(line).substr(tab + 1));
    if (!tokens.empty()) captions[line.substr(0, hash)].push_back(std::move(tokens));
  }
  return captions;
}

}  // namespace

Expected<std::vector<CaptionedPhoto>> read_split(const std::string& captions,
                                                 const std::string& split) {
  auto all = read_captions(captions);
  if (!all) return fail(all.error());
  std::ifstream file(split);
  if (!file) return fail(Errc::invalid_config, split + ": cannot be opened");
  std::vector<CaptionedPhoto> photos;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    const auto found = all->find(line);
    if (found == all->end()) {
      return fail(Errc::invalid_config,
                  at_line(split, number) + line + " has no caption in " + captions);
    }
    photos.push_back({line, found->second});
  }
  if (photos.empty()) return fail(Errc::invalid_config, split + ": names no photo");
  return photos;
}

Expected<Vocabulary> make_vocabulary(const std::vector<CaptionedPhoto>& photos,
                                     std::int64_t count_min) {
  std::map<std::string, std::int64_t> counts;
  for (const CaptionedPhoto& photo : photos)
    for (const Tokens& caption : photo.captions)
      for (const std::string& word : caption) ++counts[word];
  std::vector<std::pair<std::int64_t, std::string>> kept;
  for (const auto& [word, count] : counts)
    if (count >= count_min) kept.emplace_back(-count, word);
  std::sort(kept.begin(), kept.end());
  std::vector<std::string> words;
  for (const auto& item : kept) words.push_back(item.second);
  return Vocabulary::make(words);
}

std::vector<std::int64_t> encode_caption(const Tokens& caption, const Vocabulary& vocabulary,
                                         std::size_t words_max, bool mirrored) {
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < std::min(caption.size(), words_max); ++i) {
    std::string_view word = caption[i];
    if (mirrored && word == "left") {
      word = "right";
    } else if (mirrored && word == "right") {
      word = "left";
    }
    numbers.push_back(vocabulary.number(word));
  }
  numbers.push_back(kEndToken);
  return numbers;
}

}  // namespace photoscribe
