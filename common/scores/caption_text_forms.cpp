// The forms that are lines of text: Flickr's tokens, and CSV.
#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/scores/caption_forms.h"
#include "common/text/csv.h"
#include "common/text/utf8.h"

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

// --- CSV (RFC 4180; also '|' with blanks around, as Kaggle's Flickr30k results.csv has it) ---

struct Columns {
  char separator = ',';
  std::size_t count = 0, id = 0, caption = 0, state = SIZE_MAX;
  bool id_is_path = false, id_is_uri = false;
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
      columns.id_is_uri = rank == 7;
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

/// Lines of a CSV file. Those that a record was thought to go on over can be had again, when a
/// stray quote had swallowed them.
class CsvLines {
 public:
  explicit CsvLines(BlockReader& reader) : reader_(reader) {}

  bool next(std::string& line) {
    if (!ahead_.empty()) {
      line = std::move(ahead_.front());
      ahead_.pop_front();
      return true;
    }
    std::string_view read;
    if (!reader_.next_line(read)) return false;
    line = read;
    return true;
  }
  void again(std::vector<std::string> lines) {
    ahead_.insert(ahead_.begin(), std::make_move_iterator(lines.begin()),
                  std::make_move_iterator(lines.end()));
  }
  /// Of the line that next() gave last.
  [[nodiscard]] std::int64_t number() const { return reader_.line_number() - std::ssize(ahead_); }

 private:
  BlockReader& reader_;
  std::deque<std::string> ahead_;
};

/// True when behind every closing quote a field ends, as it does where quotes are meant as such.
bool quotes_close_fields(std::string_view record, char separator) {
  bool quoted = false, field_begins = true;
  for (std::size_t i = 0; i < record.size(); ++i) {
    const char c = record[i];
    if (quoted && c == '"' && record.substr(i + 1, 1) == "\"") {
      ++i;
    } else if (quoted && c == '"') {
      quoted = false;
      if (i + 1 < record.size() && record[i + 1] != separator) return false;
    } else if (!quoted) {
      quoted = c == '"' && field_begins;
      field_begins = c == separator || (field_begins && (c == ' ' || c == '\t'));
    }
  }
  return true;
}

struct CsvRecord {
  std::string text;
  std::vector<std::string> fields, more;  // `more`: the lines behind the first
};

/// Why it is none, or nothing.
std::optional<std::string> read_record(CsvLines& lines, const Columns& columns, CsvRecord& record) {
  constexpr std::size_t kLinesMax = 1'000;  // a caption is shorter: the quote is a stray one
  record.more.clear();
  const auto next = [&](std::string& text) {
    std::string line;
    if (record.more.size() == kLinesMax || !lines.next(line)) return false;
    (text += '\n') += line;
    record.more.push_back(std::move(line));
    return true;
  };
  if (!split_csv_record(record.text, columns.separator, record.fields, next))
    return "the quote of line " + std::to_string(lines.number() - std::ssize(record.more)) +
           " never closes";
  const bool fits = record.more.empty() ? mend_rest(record.text, columns, record.fields)
                                        : record.fields.size() == columns.count;
  if (!fits) {
    return std::to_string(record.fields.size()) + " fields, the heading names " +
           std::to_string(columns.count);
  }
  if (!record.more.empty() && !quotes_close_fields(record.text, columns.separator))
    return "the quote closes inside a later line";
  return std::nullopt;
}

Status give_csv(CaptionSource& source, const Columns& columns,
                const std::vector<std::string>& fields) {
  std::string id(trimmed(fields[columns.id]));
  if (columns.id_is_path) id = last_part(id);
  if (columns.id_is_uri) id = percent_decoded(id);
  if (id.empty()) return source.leave_out("the photo has no name");
  const std::string_view caption = trimmed(fields[columns.caption]);
  if (!caption.empty()) return source.give({id, {}, caption, {}});
  if (columns.state == SIZE_MAX) return source.leave_out("the caption is empty");
  source.without_caption();
  return {};
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    const bool escape = text[i] == '%' && i + 2 < text.size() &&
                        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    bytes += escape ? static_cast<char>(byte) : text[i];
    if (escape) i += 2;
  }
  return bytes;
}

std::string CaptionSource::where() const {
  if (line > 0) return "line " + std::to_string(line);
  return item > 0 ? "item " + std::to_string(item) : "";
}

tl::unexpected<Error> CaptionSource::wrong(const std::string& why) const {
  const std::string at = where();
  return fail(Errc::invalid_config, file + (at.empty() ? "" : ", " + at) + ": " + why);
}

bool SeenNumbers::insert(int number) {
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

Status CaptionSource::told() { return full && batch->is_full() ? full() : Status(); }

Status CaptionSource::leave_out(const std::string& why) {
  constexpr std::size_t kNamed = 5;
  if (batch != nullptr) {
    batch->add_fault(why, line, item);
    return told();
  }
  if (strict) return wrong(why);
  ++facts.left_out.count;
  if (facts.left_out.first.size() < kNamed) facts.left_out.first.push_back(where() + ": " + why);
  return {};
}

Status CaptionSource::give(FileCaption caption) {
  caption.caption = trimmed(caption.caption);
  caption.line = line;
  const bool is_utf8 = is_valid_utf8(caption.caption);
  if (batch == nullptr) return hand_on(caption, is_utf8);
  batch->add(caption, item, is_utf8);
  return told();
}

Status CaptionSource::hand_on(const FileCaption& caption, bool is_utf8) {
  if (caption.number >= 0) {
    const TokenId name = names_.id_of(caption.id);
    if (name == seen_.size()) seen_.emplace_back();
    if (!seen_[name].insert(caption.number)) {
      return leave_out(std::string(caption.id) + " has caption number " +
                       std::to_string(caption.number) + " twice");
    }
  }
  if (!is_utf8) return leave_out("the caption is not UTF-8");
  const Status taken = take(caption);
  if (!taken && taken.error().code == Errc::bad_payload) return leave_out(taken.error().message);
  ++facts.captions;
  return taken;
}

Status CaptionSource::hand_on(CaptionBatch& told) {
  const std::int64_t before = line;
  const Status handed = told.for_each([&](const CaptionBatch::Told& one) {
    line = one.caption.line > 0 ? before + one.caption.line : 0;
    item = one.item;
    if (one.is_fault) return leave_out(std::string(one.caption.caption));
    FileCaption caption = one.caption;
    caption.line = line;
    return hand_on(caption, one.is_utf8);
  });
  line = before + told.lines;
  facts.without_caption += told.without_caption;
  return handed;
}

Status read_flickr_tokens(CaptionSource& source) {
  for (std::string_view line; source.reader.next_line(line);) {
    source.line = source.reader.line_number();
    if (trimmed(line).empty()) continue;
    const auto parsed = parse_flickr_line(line);
    Status given;
    if (parsed) {
      FileCaption caption{parsed->name, {}, parsed->caption, {}};
      caption.number = parsed->number;
      given = source.give(caption);
    } else {
      given = source.leave_out(parsed.error());
    }
    if (!given) return given;
  }
  return {};
}

Status read_csv(CaptionSource& source) {
  CsvLines lines(source.reader);
  CsvRecord record;
  do {
    if (!lines.next(record.text)) return {};
  } while (trimmed(record.text).empty());
  source.line = lines.number();
  const auto columns = read_heading(record.text);
  if (!columns) return source.wrong(columns.error());
  while (lines.next(record.text)) {
    if (trimmed(record.text).empty()) continue;
    source.line = lines.number();
    const auto fault = read_record(lines, *columns, record);
    if (fault) lines.again(std::move(record.more));
    const Status given =
        fault ? source.leave_out(*fault) : give_csv(source, *columns, record.fields);
    if (!given) return given;
  }
  return {};
}

}  // namespace photoscribe
