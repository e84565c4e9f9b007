#include "models/format/vocabulary.h"

#include <array>
#include <fstream>

namespace photoscribe {
namespace {
constexpr std::array<std::string_view, 4> kSpecials{"<pad>", "<start>", "<end>", "<unk>"};
}

Expected<Vocabulary> Vocabulary::make(const std::vector<std::string>& words) {
  Vocabulary made;
  made.words_.assign(kSpecials.begin(), kSpecials.end());
  made.words_.insert(made.words_.end(), words.begin(), words.end());
  for (std::size_t i = 0; i < made.words_.size(); ++i) {
    const std::string& word = made.words_[i];
    const std::string line = "vocabulary, line " + std::to_string(i + 1) + ": ";
    if (word.empty() || word.find_first_of(" \t\r\n\v\f") != std::string::npos)
      return fail(Errc::model_failure, line + "empty, or with white space in it");
    if (!made.numbers_.emplace(word, static_cast<std::int64_t>(i)).second)
      return fail(Errc::model_failure, line + "'" + word + "' is listed twice");
  }
  return made;
}

Expected<Vocabulary> Vocabulary::read(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Errc::model_failure, path + ": cannot be opened");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (file.bad()) return fail(Errc::model_failure, path + ": cannot be read");
  for (std::size_t i = 0; i < kSpecials.size(); ++i) {
    if (i >= lines.size() || lines[i] != kSpecials[i]) {
      return fail(Errc::model_failure, path + ": line " + std::to_string(i + 1) + " must be " +
                                           std::string(kSpecials[i]));
    }
  }
  lines.erase(lines.begin(), lines.begin() + kSpecials.size());
  Expected<Vocabulary> made = make(lines);
  if (!made) return fail(Errc::model_failure, path + ": " + made.error().message);
  return made;
}

Status Vocabulary::write(const std::string& path) const {
  std::ofstream file(path, std::ios::trunc);
  for (const std::string& word : words_) file << word << '\n';
  file.close();
  if (!file) return fail(Errc::environment, path + ": cannot be written");
  return {};
}

std::int64_t Vocabulary::number(std::string_view word) const {
  const auto found = numbers_.find(std::string(word));
  return found == numbers_.end() ? kUnknownToken : found->second;
}

std::string Vocabulary::text(std::span<const std::int64_t> tokens) const {
  std::string joined;
  for (const std::int64_t token : tokens) {
    if (token == kEndToken) break;
    if (token < static_cast<std::int64_t>(kSpecials.size())) continue;
    if (!joined.empty()) joined += ' ';
    joined += word(token);
  }
  return joined;
}

}  // namespace photoscribe
