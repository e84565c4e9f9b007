#include "models/train/dataset.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <unordered_map>

#include "common/scores/caption_file.h"
#include "common/scores/tokenize.h"

namespace photoscribe {
namespace {

struct Listed {
  NamedReferences references;
  int times = 1;
};

/// "NAME" or "NAME<TAB>TIMES": what stands behind the tab, which goes; nothing when it is no number
/// in 0 to 1,000.
std::optional<int> take_times(std::string& line) {
  const auto tab = line.rfind('\t');
  if (tab == std::string::npos) return 1;
  int times = -1;
  const char* end = line.data() + line.size();
  const auto read = std::from_chars(line.data() + tab + 1, end, times);
  if (read.ec != std::errc{} || read.ptr != end || times < 0 || times > 1'000) return std::nullopt;
  line.resize(tab);
  return times;
}

/// The photos of `references` that the list names, in its order.
Expected<std::vector<Listed>> in_order_of(const std::string& list,
                                          const std::vector<NamedReferences>& references,
                                          const std::string& captions) {
  std::unordered_map<std::string, std::size_t> place;
  for (std::size_t i = 0; i < references.size(); ++i) place.emplace(references[i].file_name, i);
  std::ifstream file(list);
  if (!file) return fail(Errc::invalid_config, list + ": cannot be opened");
  std::vector<Listed> chosen;
  std::int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    const auto times = take_times(line);
    if (!times)
      return fail(Errc::invalid_config, list + ", line " + std::to_string(number) +
                                            ": behind the tab stands how often an epoch shows the "
                                            "photo, 0 to 1000");
    const auto found = place.find(line);
    if (found == place.end()) {
      return fail(Errc::invalid_config, list + ", line " + std::to_string(number) + ": " + line +
                                            " has no caption in " + captions);
    }
    chosen.push_back({references[found->second], *times});
  }
  if (chosen.empty()) return fail(Errc::invalid_config, list + ": names no photo");
  return chosen;
}

}  // namespace

Expected<std::vector<CaptionedPhoto>> read_split(const std::string& captions,
                                                 const std::string& split) {
  std::error_code ignored;
  const bool list = std::filesystem::is_regular_file(split, ignored);
  LeftOut left_out;
  auto references = read_references(captions, list ? std::string() : split, false, &left_out);
  if (!references) return fail(references.error());
  if (left_out.count > 0)
    std::fprintf(stderr, "note: %s: %s\n", captions.c_str(), to_text(left_out).c_str());
  std::vector<Listed> listed;
  if (list) {
    auto chosen = in_order_of(split, *references, captions);
    if (!chosen) return fail(chosen.error());
    listed = std::move(*chosen);
  } else {
    for (NamedReferences& one : *references) listed.push_back({std::move(one), 1});
  }
  std::vector<CaptionedPhoto> photos;
  for (auto& [one, times] : listed) {
    CaptionedPhoto photo;
    photo.times = times;
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
  for (const auto& [word, count] : counts)
    if (std::max(count.captions, count.text) >= settings.count_min)
      kept.emplace_back(-count.captions - count.text, word);
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
