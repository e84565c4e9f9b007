#include "models/train/import/word_list.h"

#include <ATen/ATen.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "common/text/utf8.h"
#include "models/format/mapped_file.h"
#include "models/train/import/pickle.h"
#include "models/train/import/pickle_text.h"

namespace photoscribe {
namespace {

using Id = Pickle::Id;
using Kind = Pickle::Kind;

constexpr std::int64_t kWordsMax = 1'000'000;

/// Python 2 wrote text as bytes, which may be Latin-1.
std::string as_utf8(std::string_view text) {
  return is_valid_utf8(text) ? std::string(text) : utf8_of_latin1(text);
}

void put(WordList& list, std::int64_t number, const std::string& word) {
  if (number < 0 || number > kWordsMax)
    throw std::runtime_error("the word '" + word + "' has the number " + std::to_string(number));
  const auto at = static_cast<std::size_t>(number);
  if (list.words.size() <= at) list.words.resize(at + 1);
  if (!list.words[at].empty())
    throw std::runtime_error("'" + list.words[at] + "' and '" + word + "' have the number " +
                             std::to_string(number));
  list.words[at] = word;
  if (word == "<start>") list.start = number;
  if (word == "<end>") list.end = number;
  if (word == "<unk>" || word == "UNK") list.unknown = number;
}

WordList read_json(std::string_view bytes) {
  if (bytes.size() > kPickleBytesMax) throw std::runtime_error("longer than 64 MiB");
  WordList list;
  const auto map = nlohmann::json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (!map.is_object()) throw std::runtime_error("not a JSON object of words and their numbers");
  for (const auto& [word, number] : map.items()) {
    if (!number.is_number_integer())
      throw std::runtime_error("the word '" + word + "' has no number");
    put(list, number.get<std::int64_t>(), word);
  }
  return list;
}

std::int64_t number_of(const Pickle& p, Id id) {
  if (p.is(id, Kind::number)) return p.at(id).number;
  std::int64_t value = -1;
  if (p.is(id, Kind::text)) {
    const std::string_view digits = p.at(id).text;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failed != std::errc{} || end != digits.data() + digits.size()) value = -1;
  }
  if (value < 0) throw std::runtime_error("a word's number is invalid");
  return value;
}

std::string text_of(const Pickle& p, std::optional<Id> id) {
  return id && p.is(*id, Kind::text) ? as_utf8(p.at(*id).text) : "";
}

WordList read_infos(const Pickle& p, Id vocabulary) {
  WordList list;
  for (const auto& [number, word] : p.pairs(vocabulary)) {
    if (!p.is(word, Kind::text)) throw std::runtime_error("a word that is not text");
    put(list, number_of(p, number), as_utf8(p.at(word).text));
  }
  list.start = list.end = 0;
  const auto options = p.find(p.root(), "opt");
  if (!options) return list;
  const Id own = p.attributes(*options);
  const Id fields = own == Pickle::kNothing ? *options : own;
  list.kind = text_of(p, p.find(fields, "caption_model"));
  list.features = text_of(p, p.find(fields, "input_att_dir"));
  for (const char* name : {"max_length", "seq_length"})
    if (const auto length = p.find(fields, name); length && p.is(*length, Kind::number))
      if (list.words_max <= 0) list.words_max = p.at(*length).number;
  return list;
}

WordList read_word_numbers(const Pickle& p, Id numbers) {
  WordList list;
  for (const auto& [word, number] : p.pairs(numbers)) {
    if (!p.is(word, Kind::text)) throw std::runtime_error("a word that is not text");
    put(list, number_of(p, number), as_utf8(p.at(word).text));
  }
  return list;
}

WordList read_pickle(std::string_view bytes) {
  const Pickle p = Pickle::read(bytes);
  if (const auto words = p.find(p.root(), "vocab")) return read_infos(p, *words);
  if (const Id own = p.attributes(p.root()); own != Pickle::kNothing)
    if (const auto numbers = p.find(own, "word2idx")) return read_word_numbers(p, *numbers);
  if (const auto numbers = p.find(p.root(), "word2idx")) return read_word_numbers(p, *numbers);
  throw std::runtime_error(
      "has neither \"vocab\", as ruotianluo's infos, nor word2idx, as yunjey's vocabulary");
}

}  // namespace

Expected<WordList> read_word_list(const std::string& path) {
  return guard(Errc::invalid_config, path, [&] {
    const MappedFile file(path);
    const std::string_view bytes = file.bytes();
    const std::size_t first = bytes.find_first_not_of(" \t\r\n");
    WordList list = first != std::string_view::npos && bytes[first] == '{' ? read_json(bytes)
                                                                           : read_pickle(bytes);
    if (list.words.empty()) throw std::runtime_error("no words in it");
    return list;
  });
}

Expected<WordRows> arrange_words(const WordList& list, std::int64_t rows) {
  if (static_cast<std::int64_t>(list.words.size()) > rows)
    return fail(Errc::invalid_config, "the words are not this checkpoint's: its tables have " +
                                          std::to_string(rows) + " rows, and '" +
                                          list.words.back() + "' is number " +
                                          std::to_string(list.words.size() - 1));
  if (list.start < 0 || list.end < 0)
    return fail(Errc::invalid_config, "the words have no <start> or no <end>");
  WordRows made;
  std::vector<std::string> words;
  made.row = {-1, list.start, list.end, list.unknown};
  std::set<std::string> known{"<pad>", "<start>", "<end>", "<unk>"};
  for (std::size_t number = 0; number < list.words.size(); ++number) {
    const std::string& word = list.words[number];
    const auto place = static_cast<std::int64_t>(number);
    if (word.empty() || place == list.start || place == list.end || place == list.unknown ||
        word == "<pad>")
      continue;
    if (word.find_first_of(" \t\r\n\v\f") != std::string::npos || !known.insert(word).second) {
      made.left_out.push_back(word);
      continue;
    }
    words.push_back(word);
    made.row.push_back(place);
  }
  auto vocabulary = Vocabulary::make(words);
  if (!vocabulary) return fail(Errc::invalid_config, vocabulary.error().message);
  made.vocabulary = std::move(*vocabulary);
  return made;
}

torch::Tensor take_rows(const torch::Tensor& table, const WordRows& words) {
  const torch::Tensor rows = at::tensor(words.row);
  torch::Tensor taken = table.index_select(0, rows.clamp_min(0));
  taken.index_fill_(0, at::nonzero(rows.lt(0)).view({-1}), 0);
  return taken;
}

}  // namespace photoscribe
