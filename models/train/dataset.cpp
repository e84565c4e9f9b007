#include "models/train/dataset.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <unordered_map>

#include "common/scores/caption_file.h"
#include "common/scores/tokenize.h"

namespace photoscribe {
namespace {

/// The photos of `references` that the list names, in its order.
Expected<std::vector<NamedReferences>> in_order_of(const std::string& list,
                                                   std::vector<NamedReferences> references,
                                                   const std::string& captions) {
  std::unordered_map<std::string, std::size_t> place;
  for (std::size_t i = 0; i < references.size(); ++i) place.emplace(references[i].file_name, i);
  std::ifstream file(list);
  if (!file) return fail(Errc::invalid_config, list + ": cannot be opened");
  std::vector<NamedReferences> chosen;
  std::int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    const auto found = place.find(line);
    if (found == place.end()) {
      return fail(Errc::invalid_config, list + ", line " + std::to_string(number) + ": " + line +
                                            " has no caption in " + captions);
    }
    chosen.push_back(references[found->second]);
  }
  if (chosen.empty()) return fail(Errc::invalid_config, list + ": names no photo");
  return chosen;
}

}  // namespace

Expected<std::vector<CaptionedPhoto>> read_split(const std::string& captions,
                                                 const std::string& split) {
  std::error_code ignored;
  const bool list = std::filesystem::is_regular_file(split, ignored);
  auto references = read_references(captions, list ? std::string() : split);
  if (!references) return fail(references.error());
  if (list) references = in_order_of(split, std::move(*references), captions);
  if (!references) return fail(references.error());
  std::vector<CaptionedPhoto> photos;
  for (NamedReferences& one : *references) {
    CaptionedPhoto photo;
    photo.name = std::move(one.file_name);
    for (const std::string& caption : one.captions)
      if (Tokens tokens = ptb_tokens(caption); !tokens.empty())
        photo.captions.push_back(std::move(tokens));
    if (photo.captions.empty())
      return fail(Errc::invalid_config, captions + ": " + photo.name + " has no caption of words");
    photos.push_back(std::move(photo));
  }
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
