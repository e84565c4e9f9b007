#include "ops/cli/correct/fixes_file.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "common/text/csv.h"
#include "common/text/utf8.h"

namespace photoscribe::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlank = " \t\r\n";

enum class FixColumn : std::uint8_t {
  uri,
  root,
  path,
  id,
  caption,
  edited_caption,
  edited_at,
  other
};

struct FixColumnName {
  std::string_view name;
  FixColumn column;
};
constexpr std::array<FixColumnName, 12> kFixColumns{{{"uri", FixColumn::uri},
                                                     {"root", FixColumn::root},
                                                     {"path", FixColumn::path},
                                                     {"photo", FixColumn::path},
                                                     {"file", FixColumn::path},
                                                     {"file_name", FixColumn::path},
                                                     {"id", FixColumn::id},
                                                     {"image", FixColumn::id},
                                                     {"image_id", FixColumn::id},
                                                     {"caption", FixColumn::caption},
                                                     {"edited_caption", FixColumn::edited_caption},
                                                     {"edited_at", FixColumn::edited_at}}};

std::string without_blanks(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kBlank) - begin + 1));
}

FixColumn column_of(std::string_view name) {
  std::string plain = without_blanks(name);
  for (char& c : plain) c = c == ' ' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (const FixColumnName& known : kFixColumns) {
    if (known.name == plain) return known.column;
  }
  return FixColumn::other;
}

void put(FixLine& line, FixColumn column, std::string value) {
  switch (column) {
    case FixColumn::uri:
      line.photo.uri = std::move(value);
      break;
    case FixColumn::root:
      line.photo.root = std::move(value);
      break;
    case FixColumn::path:
      if (line.photo.path.empty()) line.photo.path = std::move(value);
      break;
    case FixColumn::id:
      line.photo.id = without_blanks(value);
      break;
    case FixColumn::caption:
      line.caption = without_blanks(value);
      break;
    case FixColumn::edited_caption:
      line.edited_caption = without_blanks(value);
      break;
    case FixColumn::edited_at:
      line.edited_at = without_blanks(value);
      break;
    case FixColumn::other:
      break;
  }
}

bool names_a_photo(const FixLine& line) {
  return !line.photo.uri.empty() || !line.photo.path.empty() || !line.photo.id.empty();
}

/// The lines of a text, without their line ends (LF, CRLF, CR), and their numbers.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool next(std::string& line) {
    if (rest_.empty()) return false;
    const auto end = rest_.find_first_of("\r\n");
    line = rest_.substr(0, end);
    ++number_;
    if (end == std::string_view::npos) {
      rest_ = {};
      return true;
    }
    rest_.remove_prefix(rest_.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
    return true;
  }
  [[nodiscard]] std::int64_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::int64_t number_ = 0;
};

std::vector<FixLine> json_lines(std::string_view text) {
  std::vector<FixLine> all;
  Lines lines(text);
  for (std::string line; lines.next(line);) {
    if (without_blanks(line).empty()) continue;
    FixLine fix;
    fix.line = lines.number();
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object()) {
      fix.wrong = "is not a JSON object";
    } else {
      for (const auto& [name, value] : object.items()) {
        const FixColumn column = column_of(name);
        const bool of_edit = column == FixColumn::edited_caption || column == FixColumn::edited_at;
        if (column == FixColumn::other || (value.is_null() && !of_edit)) continue;
        if (value.is_null()) {
          put(fix, column, "");
        } else if (value.is_string()) {
          put(fix, column, value.get<std::string>());
        } else if (value.is_number_integer() && column == FixColumn::id) {
          put(fix, column, value.dump());
        } else {
          fix.wrong = "\"" + name + "\" is not text";
        }
      }
      if (fix.wrong.empty() && !names_a_photo(fix)) fix.wrong = "names no photo (path, uri or id)";
    }
    all.push_back(std::move(fix));
  }
  return all;
}

struct FixTable {
  char separator = ',';
  std::vector<FixColumn> columns;
};

bool has(const std::vector<FixColumn>& columns, std::initializer_list<FixColumn> any) {
  return std::find_first_of(columns.begin(), columns.end(), any.begin(), any.end()) !=
         columns.end();
}

Expected<FixTable> table_of(const std::string& head) {
  for (const char separator : {',', ';', '\t'}) {
    FixTable table{separator, {}};
    std::string record = head;
    std::vector<std::string> names;
    if (!split_csv_record(record, separator, names, [](std::string&) { return false; })) continue;
    for (const std::string& name : names) table.columns.push_back(column_of(name));
    if (has(table.columns, {FixColumn::uri, FixColumn::path, FixColumn::id}) &&
        has(table.columns, {FixColumn::caption, FixColumn::edited_caption})) {
      return table;
    }
  }
  return fail(Errc::usage,
              "its first line must name the columns: path, uri or id for the photo, and caption "
              "or edited_caption");
}

Expected<std::vector<FixLine>> table_lines(std::string_view text) {
  Lines lines(text);
  std::string record;
  lines.next(record);
  const Expected<FixTable> table = table_of(record);
  if (!table) return fail(table.error());
  std::vector<FixLine> all;
  std::vector<std::string> fields;
  while (lines.next(record)) {
    if (without_blanks(record).empty()) continue;
    FixLine fix;
    fix.line = lines.number();
    const bool whole =
        split_csv_record(record, table->separator, fields, [&lines](std::string& more) {
          std::string next;
          if (!lines.next(next)) return false;
          more += "\n" + next;
          return true;
        });
    if (!whole) {
      fix.wrong = "a quote is never closed";
    } else if (fields.size() > table->columns.size()) {
      fix.wrong = "has " + std::to_string(fields.size()) + " fields, the first line names " +
                  std::to_string(table->columns.size());
    } else {
      for (std::size_t i = 0; i < fields.size(); ++i) put(fix, table->columns[i], fields[i]);
      if (!names_a_photo(fix)) fix.wrong = "names no photo (path, uri or id)";
    }
    all.push_back(std::move(fix));
  }
  return all;
}

}  // namespace

Expected<std::vector<FixLine>> parse_fixes(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (!is_valid_utf8(text)) {
    return fail(Errc::usage, "is not UTF-8; save it as \"CSV UTF-8\"");
  }
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return fail(Errc::usage, "is empty");
  if (text[begin] == '{') return json_lines(text);
  return table_lines(text);
}

}  // namespace photoscribe::cli
