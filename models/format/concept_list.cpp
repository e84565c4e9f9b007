#include "models/format/concept_list.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <stdexcept>

namespace photoscribe {
namespace {

constexpr int kClasses = 1'000;  // of ILSVRC 2012

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

int class_number(std::string_view text) {
  int number = -1;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || number < 0 ||
      number >= kClasses) {
    throw std::runtime_error("'" + std::string(text) + "' is not a class from 0 to 999");
  }
  return number;
}

/// "7-24 80" -> 7, 8, …, 24, 80.
std::vector<int> read_classes(std::string_view text) {
  std::set<int> classes;
  for (const std::string_view part : split(text, ' ')) {
    if (part.empty()) continue;
    const auto dash = part.find('-');
    const int first = class_number(part.substr(0, dash)),
              last = dash == std::string_view::npos ? first : class_number(part.substr(dash + 1));
    if (last < first) throw std::runtime_error("'" + std::string(part) + "' runs backwards");
    for (int one = first; one <= last; ++one) classes.insert(one);
  }
  return {classes.begin(), classes.end()};
}

std::string classes_text(const std::vector<int>& classes) {
  std::string text;
  for (std::size_t i = 0; i < classes.size();) {
    std::size_t last = i;
    while (last + 1 < classes.size() && classes[last + 1] == classes[last] + 1) ++last;
    text += " " + std::to_string(classes[i]);
    if (last > i) text += "-" + std::to_string(classes[last]);
    i = last + 1;
  }
  return text;
}

ConceptEntry read_line(std::string_view line, std::set<std::string>& seen) {
  const auto bar = line.find('|');
  ConceptEntry entry;
  for (const std::string_view word : split(line.substr(0, bar), ',')) {
    if (word.empty() || word.find(' ') != std::string_view::npos)
      throw std::runtime_error("'" + std::string(word) + "' is not one word");
    if (!seen.emplace(word).second)
      throw std::runtime_error("'" + std::string(word) + "' is listed twice");
    entry.words.emplace_back(word);
  }
  if (bar != std::string_view::npos) entry.classes = read_classes(line.substr(bar + 1));
  return entry;
}

}  // namespace

Expected<std::vector<ConceptEntry>> read_concepts(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Errc::invalid_config, path + ": cannot be opened");
  std::vector<ConceptEntry> concepts;
  std::set<std::string> seen;
  std::int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const std::string_view text = trimmed(std::string_view(line).substr(0, line.find('#')));
    if (text.empty()) continue;
    auto entry = guard(Errc::invalid_config, path + ", line " + std::to_string(number),
                       [&] { return read_line(text, seen); });
    if (!entry) return fail(entry.error());
    concepts.push_back(std::move(*entry));
  }
  if (concepts.empty()) return fail(Errc::invalid_config, path + ": names no concept");
  return concepts;
}

Status write_concepts(const std::string& path, const std::vector<ConceptEntry>& concepts) {
  std::ofstream file(path, std::ios::trunc);
  file << "# name, further words | ImageNet classes that make it up "
          "(models/format/concept_list.h)\n";
  for (const ConceptEntry& entry : concepts) {
    for (std::size_t i = 0; i < entry.words.size(); ++i)
      file << (i == 0 ? "" : ", ") << entry.words[i];
    if (!entry.classes.empty()) file << " |" << classes_text(entry.classes);
    file << '\n';
  }
  file.close();
  if (!file) return fail(Errc::environment, path + ": cannot be written");
  return {};
}

std::vector<ConceptEntry> known_concepts(const std::vector<ConceptEntry>& concepts,
                                         const Vocabulary& vocabulary) {
  std::vector<ConceptEntry> known;
  for (const ConceptEntry& entry : concepts) {
    ConceptEntry one{{}, entry.classes};
    for (const std::string& word : entry.words)
      if (vocabulary.number(word) != kUnknownToken) one.words.push_back(word);
    if (!one.words.empty()) known.push_back(std::move(one));
  }
  return known;
}

}  // namespace photoscribe
