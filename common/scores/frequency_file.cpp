#include "common/scores/frequency_file.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "common/core/output_file.h"
#include "common/scores/block_reader.h"

namespace photoscribe {
namespace {

constexpr std::string_view kMagic = "photoscribe-df 1";

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

/// `COUNT<TAB>one to four words`; false when the line is not that.
bool take_line(std::string_view line, std::int64_t photos, TokenTable& words,
               DocumentFrequencies& frequencies) {
  const auto tab = line.find('\t');
  if (tab == std::string_view::npos) return false;
  const auto count = number(line.substr(0, tab));
  const Tokens tokens = split_tokens(line.substr(tab + 1));
  if (!count || *count > photos || tokens.empty() || tokens.size() > kNgramOrders) return false;
  TokenIds ids;
  for (const std::string& token : tokens) ids.push_back(words.id_of(token));
  frequencies.set(ids, static_cast<std::uint32_t>(*count));
  return true;
}

}  // namespace

Status save_frequencies(const std::string& file, const DocumentFrequencies& frequencies,
                        const TokenTable& words, Tokenizer tokenizer) {
  std::vector<std::pair<std::string, std::uint32_t>> lines;
  lines.reserve(frequencies.ngrams());
  frequencies.for_each([&](TokenSpan ngram, std::uint32_t count) {
    std::string text;
    for (const TokenId token : ngram)
      (text += text.empty() ? "" : " ") += std::string(words.word(token));
    lines.emplace_back(std::move(text), count);
  });
  std::sort(lines.begin(), lines.end());

  const auto out = OutputFile::open(file);
  if (!out) return fail(out.error());
  const std::string heading = std::string(kMagic) + "\tphotos " +
                              std::to_string(frequencies.photos()) + "\ttok " +
                              std::string(name_of(tokenizer)) + "\n";
  Status written = (*out)->add(heading);
  for (const auto& [text, count] : lines) {
    if (written) written = (*out)->add(std::to_string(count) + "\t" + text + "\n");
  }
  return written ? (*out)->finish() : written;
}

Expected<DocumentFrequencies> load_frequencies(const std::string& file, TokenTable& words,
                                               Tokenizer tokenizer) {
  Expected<BlockReader> reader = BlockReader::open(file);
  if (!reader) return fail(reader.error());
  const auto wrong = [&](const std::string& why) {
    return fail(Errc::invalid_config,
                file + ", line " + std::to_string(reader->line_number()) + ": " + why);
  };
  std::string_view line;
  const bool any = reader->next_line(line);
  if (Status read = reader->failure(); !read) return fail(read.error());
  const std::string begins = std::string(kMagic) + "\tphotos ";
  const auto tok = line.rfind("\ttok ");
  if (!any || !line.starts_with(begins) || tok == std::string_view::npos || tok < begins.size())
    return wrong("is not a table of document frequencies; make one with --save-df");
  const auto photos = number(line.substr(begins.size(), tok - begins.size()));
  const std::string made_with(line.substr(tok + 5));
  if (!photos || *photos == 0) return wrong("the number of photos is missing");
  if (made_with != name_of(tokenizer)) {
    return wrong("the table was made with --tokenizer " + made_with +
                 "; its words and those of --tokenizer " + std::string(name_of(tokenizer)) +
                 " do not compare");
  }
  DocumentFrequencies frequencies;
  frequencies.set_photos(*photos);
  while (reader->next_line(line)) {
    if (!take_line(line, *photos, words, frequencies))
      return wrong("not COUNT<TAB>one to four words, COUNT at most " + std::to_string(*photos));
  }
  if (Status read = reader->failure(); !read) return fail(read.error());
  if (frequencies.ngrams() == 0) return wrong("the table is empty");
  return frequencies;
}

}  // namespace photoscribe
