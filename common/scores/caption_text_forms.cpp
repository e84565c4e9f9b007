// The forms that are lines of text: Flickr's tokens, and CSV.
#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <vector>

#include "common/core/csv.h"
#include "common/core/utf8.h"
#include "common/scores/caption_forms.h"

namespace photoscribe {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

struct FlickrLine {
  std::string_view name, caption;
  int number = 0;
};

/// `name.jpg#N<TAB>caption`; why not, else.
tl::expected<FlickrLine, std::string> parse_flickr_line(std::string_view line) {
  const auto tab = line.find('\t');
  if (tab == std::string_view::npos) {
    return tl::unexpected<std::string>("no tab between name and caption");
  }
  const std::string_view key = line.substr(0, tab);
  const auto hash = key.rfind('#');
  FlickrLine parsed;
  if (hash == std::string_view::npos || hash == 0) {
    return tl::unexpected<std::string>("the name must end in # and a number, as photo.jpg#0");
  }
  const std::string_view digits = key.substr(hash + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), parsed.number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
      parsed.number < 0) {
    return tl::unexpected<std::string>("\"" + std::string(digits) + "\" is not a caption number");
  }
  parsed.name = key.substr(0, hash);
  parsed.caption = trimmed(line.substr(tab + 1));
  if (parsed.caption.empty()) return tl::unexpected<std::string>("the caption is empty");
  return parsed;
}

/// Which caption numbers a photo has had: a bit each for the first 64, the rest listed.
struct SeenNumbers {
  std::uint64_t low = 0;
  std::vector<int> high;
  /// False when it was there.
  bool insert(int number) {
    if (number < 64) {
      const std::uint64_t bit = std::uint64_t{1} << number;
      const bool is_new = (low & bit) == 0;
      low |= bit;
      return is_new;
    }
    if (std::find(high.begin(), high.end(), number) != high.end()) return false;
    high.push_back(number);
    return true;
  }
};

// --- CSV (RFC 4180; also '|' with blanks around, as Kaggle's Flickr30k results.csv has it) ---

struct Columns {
  char separator = ',';
  std::size_t count = 0, id = 0, caption = 0, state = SIZE_MAX;
  bool id_is_path = false;
  /// Kaggle's captions.txt does not quote a caption that holds commas.
  [[nodiscard]] bool caption_takes_rest() const { return caption + 1 == count; }
};

tl::expected<Columns, std::string> read_heading(std::string_view line) {
  Columns columns;
  const bool piped =
      line.find('|') != std::string_view::npos && line.find(',') == std::string_view::npos;
  if (piped) columns.separator = '|';
  if (line.find(',') == std::string_view::npos && line.find('\t') != std::string_view::npos)
    columns.separator = '\t';
  std::string record(line);
  std::vector<std::string> fields;
  if (!split_csv_record(record, columns.separator, fields, [](std::string&) { return false; }))
    return tl::unexpected<std::string>("a quote of the heading never closes");
  columns.count = fields.size();
  static constexpr std::array<std::string_view, 8> kIds{
      "id", "image_id", "image", "image_name", "file_name", "filename", "path", "uri"};
  std::size_t best = kIds.size();
  bool has_caption = false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = trimmed(fields[i]);
    const auto rank =
        static_cast<std::size_t>(std::find(kIds.begin(), kIds.end(), name) - kIds.begin());
    if (rank < best) {
      best = rank;
      columns.id = i;
      columns.id_is_path = rank >= 6;
    }
    if (name == "caption" || (name == "comment" && !has_caption)) {
      columns.caption = i;
      has_caption = true;
    }
    if (name == "state") columns.state = i;
  }
  if (best == kIds.size() || !has_caption) {
    return tl::unexpected<std::string>(
        "the first line must name the columns, \"image,caption\" or \"id,caption\" among them");
  }
  return columns;
}

/// Joins the fields behind the caption to it again, when it holds separators without quotes.
bool mend_rest(std::string_view record, const Columns& columns, std::vector<std::string>& fields) {
  if (fields.size() == columns.count) return true;
  if (fields.size() < columns.count || !columns.caption_takes_rest()) return false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < columns.caption; ++i)
    begin = record.find(columns.separator, begin) + 1;
  fields.resize(columns.count);
  fields[columns.caption] = record.substr(begin);
  return true;
}

}  // namespace

tl::unexpected<Error> CaptionSource::wrong(const std::string& why) const {
  const std::int64_t line = reader.line_number();  // 0: a JSON text as a whole
  return fail(Errc::invalid_config,
              file + (line > 0 ? ", line " + std::to_string(line) : std::string()) + ": " + why);
}

Status CaptionSource::give(FileCaption caption) {
  caption.caption = trimmed(caption.caption);
  if (!is_valid_utf8(caption.caption)) return wrong("the caption is not UTF-8");
  caption.line = reader.line_number();
  ++facts.captions;
  return take(caption);
}

Status read_flickr_tokens(CaptionSource& source) {
  std::unordered_map<std::string, SeenNumbers> seen;
  for (std::string_view line; source.reader.next_line(line);) {
    if (trimmed(line).empty()) continue;
    const auto parsed = parse_flickr_line(line);
    if (!parsed) return source.wrong(parsed.error());
    if (!seen[std::string(parsed->name)].insert(parsed->number)) {
      return source.wrong(std::string(parsed->name) + " has caption number " +
                          std::to_string(parsed->number) + " twice");
    }
    const FileCaption caption{parsed->name, {}, parsed->caption, {}};
    if (Status given = source.give(caption); !given) return given;
  }
  return {};
}

Status read_csv(CaptionSource& source) {
  std::string_view line;
  do {
    if (!source.reader.next_line(line)) return {};
  } while (trimmed(line).empty());
  const auto columns = read_heading(line);
  if (!columns) return source.wrong(columns.error());
  std::string record;
  std::vector<std::string> fields;
  while (source.reader.next_line(line)) {
    if (trimmed(line).empty()) continue;
    record = line;
    const std::int64_t begun = source.reader.line_number();
    const bool whole = split_csv_record(record, columns->separator, fields, [&](std::string& text) {
      if (!source.reader.next_line(line)) return false;
      (text += '\n') += line;
      return true;
    });
    if (!whole) return source.wrong("the quote of line " + std::to_string(begun) + " never closes");
    if (!mend_rest(record, *columns, fields)) {
      return source.wrong(std::to_string(fields.size()) + " fields, the heading names " +
                          std::to_string(columns->count));
    }
    std::string_view id = trimmed(fields[columns->id]);
    if (columns->id_is_path) id = last_part(id);
    if (id.empty()) return source.wrong("the photo has no name");
    const std::string_view caption = trimmed(fields[columns->caption]);
    if (caption.empty()) {
      if (columns->state == SIZE_MAX) return source.wrong("the caption is empty");
      ++source.facts.without_caption;
      continue;
    }
    if (Status given = source.give({id, {}, caption, {}}); !given) return given;
  }
  return {};
}

}  // namespace photoscribe
