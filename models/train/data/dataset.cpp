#include "models/train/data/dataset.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "common/scores/tokenize.h"

namespace photoscribe {
std::vector<std::string> paths_of(const std::vector<CaptionedPhoto>& photos) {
  std::vector<std::string> paths;
  for (const CaptionedPhoto& photo : photos) paths.push_back(photo.path);
  return paths;
}

Expected<std::vector<Tokens>> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Errc::invalid_config, path + ": cannot be opened");
  std::vector<Tokens> sentences;
  for (std::string line; std::getline(file, line);)
    if (Tokens tokens = ptb_tokens(line); !tokens.empty()) sentences.push_back(std::move(tokens));
  if (sentences.empty()) return fail(Errc::invalid_config, path + ": holds no sentence");
  return sentences;
}

Expected<Vocabulary> make_vocabulary(const std::vector<CaptionedPhoto>& photos,
                                     const std::vector<Tokens>& text,
                                     const VocabularySettings& settings) {
  struct Counts {
    std::int64_t captions = 0, text = 0;
  };
  std::map<std::string, Counts> counts;
  for (const CaptionedPhoto& photo : photos)
    for (const Tokens& caption : photo.captions)
      for (const std::string& word : caption) ++counts[word].captions;
  for (const Tokens& sentence : text)
    for (const std::string& word : sentence) ++counts[word].text;
  std::vector<std::pair<std::int64_t, std::string>> kept;
  std::int64_t most = 0;
  for (const auto& [word, count] : counts) {
    const std::int64_t places = std::max(count.captions, count.text);
    most = std::max(most, places);
    if (places >= settings.count_min) kept.emplace_back(-count.captions - count.text, word);
  }
  if (kept.empty())
    return fail(Errc::invalid_config,
                "no word occurs " + std::to_string(settings.count_min) +
                    " times in the captions of " + std::to_string(photos.size()) +
                    " photos, the most frequent " + std::to_string(most) + "; --words-count-min " +
                    std::to_string(most) + " or less keeps rarer ones, more captions are better");
  std::sort(kept.begin(), kept.end());
  if (settings.words_max > 0 && kept.size() > static_cast<std::size_t>(settings.words_max))
    kept.resize(static_cast<std::size_t>(settings.words_max));
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
