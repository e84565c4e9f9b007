#include "scheduler/sources/list_shape.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "common/remote/photo_url.h"
#include "common/sqlite/storage.h"
#include "common/text/csv.h"
#include "common/text/did_you_mean.h"
#include "scheduler/store/image_extensions.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

using namespace std::string_view_literals;
using nlohmann::json;
using Record = std::vector<std::string>;

constexpr std::size_t kRecordsSampled = 50;
constexpr std::array kDelimiters{'\t', ',', ';', '|'};
/// As simple() leaves them, the surest first.
constexpr std::array kPathNames{"path"sv,      "filepath"sv,  "sourcefile"sv, "fullpath"sv,
                                "imagepath"sv, "photopath"sv, "file"sv,       "filename"sv,
                                "image"sv,     "photo"sv,     "imagefile"sv,  "imagename"sv,
                                "src"sv,       "uri"sv,       "url"sv,        "imageurl"sv};

bool looks_like_photo(std::string_view value) {
  value = trimmed(value);
  if (is_remote(value)) value = value.substr(0, value.find_first_of("?#"));
  return has_image_extension(base_name(value));
}

bool looks_like_url(std::string_view value) { return is_remote(trimmed(value)); }

std::size_t index_of(const Record& names, const std::function<bool(std::string_view)>& is) {
  const auto at = std::find_if(names.begin(), names.end(), is);
  return at == names.end() ? ListShape::kNone : static_cast<std::size_t>(at - names.begin());
}

/// The column that is known to be the path's by its name.
std::size_t known_path(const Record& names) {
  // Our own export: its "path" is below a root, its "uri" is whole.
  const auto named = [&](std::string_view wanted) {
    return index_of(names, [&](std::string_view name) { return simple(name) == wanted; });
  };
  if (named("root") != ListShape::kNone && named("uri") != ListShape::kNone) return named("uri");
  for (const std::string_view wanted : kPathNames) {
    if (const std::size_t at = named(wanted); at != ListShape::kNone) return at;
  }
  return ListShape::kNone;
}

bool is_our_export(const Record& names) {
  constexpr std::array kOurs{"run", "root", "uri", "state", "blur_threshold"};
  return std::all_of(kOurs.begin(), kOurs.end(), [&](const char* ours) {
    return std::find(names.begin(), names.end(), ours) != names.end();
  });
}

/// As a person named it: exactly, else in any case, else by its number from 1.
std::size_t asked_column(const Record& names, const std::string& asked) {
  const std::size_t exact =
      index_of(names, [&](std::string_view name) { return trimmed(name) == asked; });
  if (exact != ListShape::kNone) return exact;
  const std::size_t similar =
      index_of(names, [&](std::string_view name) { return simple(name) == simple(asked); });
  if (similar != ListShape::kNone && !simple(asked).empty()) return similar;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(asked.data(), asked.data() + asked.size(), number);
  const bool is_number = error == std::errc() && end == asked.data() + asked.size();
  return is_number && number >= 1 && number <= names.size() ? number - 1 : ListShape::kNone;
}

/// The first records, the last one only when it is whole.
std::vector<Record> sample(std::string_view text, bool whole, char delimiter) {
  std::vector<Record> records;
  const auto take_line = [&](std::string& line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos && (!whole || text.empty())) return false;
    const std::string_view taken = text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(taken.size());
    line += without_line_end(taken);
    return true;
  };
  while (records.size() < kRecordsSampled) {
    std::string record;
    const std::string_view before = text;
    if (!take_line(record)) break;
    if (trimmed(record).empty()) continue;
    Record fields;
    const auto more = [&](std::string& so_far) {
      so_far += '\n';
      return take_line(so_far);
    };
    if (!split_csv_record(record, delimiter, fields, more)) {
      if (!whole) break;
      text = before;  // a stray quote
      std::string line;
      take_line(line);
      fields = split_plainly(line, delimiter);
    }
    records.push_back(std::move(fields));
  }
  return records;
}

/// Nine of ten records have as many fields as the first.
bool is_even(const std::vector<Record>& records) {
  const auto even = std::count_if(records.begin(), records.end(), [&](const Record& one) {
    return one.size() == records.front().size();
  });
  return static_cast<std::size_t>(even) * 10 >= records.size() * 9;
}

/// The column whose values look so, nine of ten, the heading aside.
std::size_t column_of(const std::vector<Record>& records, bool (*looks)(std::string_view)) {
  for (std::size_t column = 0; column < records.front().size(); ++column) {
    std::size_t photos = 0;
    for (const Record& one : records) photos += column < one.size() && looks(one[column]) ? 1 : 0;
    const bool most = photos + 1 >= records.size() || photos * 10 >= records.size() * 9;
    if (photos > 0 && most) return column;
  }
  return ListShape::kNone;
}

std::string joined_names(const Record& names) {
  std::string all;
  for (const std::string& name : names)
    all += (all.empty() ? "" : ", ") + sqlite::text_of(trimmed(name));
  return all;
}

tl::unexpected<Error> no_such_column(const char* flag, const std::string& asked,
                                     const Record& names) {
  return fail(Errc::usage, std::string(flag) + " " + asked + ": the list has no such column" +
                               did_you_mean(asked, names) +
                               "; its columns are: " + joined_names(names));
}

/// A name for every column, none twice, the id's first.
std::vector<std::string> column_names(const Record& first, const ListShape& shape) {
  std::vector<std::string> names(first.size());
  std::set<std::string> taken;
  if (shape.id != ListShape::kNone) taken.insert(names[shape.id] = "id");
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (i == shape.id) continue;
    const std::string own =
        shape.header ? as_utf8(trimmed(first[i])) : "column_" + std::to_string(i + 1);
    const std::string wanted = own.empty() ? "column_" + std::to_string(i + 1) : own;
    std::string name = wanted;
    for (int number = 2; taken.contains(name); ++number)
      name = wanted + "_" + std::to_string(number);
    taken.insert(names[i] = name);
  }
  return names;
}

Expected<ListShape> finish_table(const std::vector<Record>& records, ListShape shape,
                                 const ListOptions& options) {
  const Record& first = records.front();
  shape.form = ListForm::table;
  const bool first_is_photo =
      shape.path < first.size() &&
      (looks_like_photo(first[shape.path]) || looks_like_url(first[shape.path]) ||
       trimmed(first[shape.path]).starts_with('/'));
  shape.header = options.header.value_or(!first_is_photo);
  if (!options.id_column.empty()) {
    shape.id = asked_column(first, options.id_column);
    if (shape.id == ListShape::kNone)
      return no_such_column("--id-column", options.id_column, first);
  }
  const std::string name = simple(first[shape.path]);
  shape.path_is_uri = shape.header && (name == "uri" || name == "url" || name == "imageurl");
  shape.columns = column_names(first, shape);
  shape.is_our_export = shape.header && is_our_export(first);
  return shape;
}

/// Which columns, when it is a table with this delimiter; nothing if it does not look like one.
std::optional<std::size_t> path_column(const std::vector<Record>& records,
                                       const ListOptions& options) {
  if (records.empty()) return std::nullopt;
  const Record& first = records.front();
  std::size_t at = ListShape::kNone;
  if (!options.path_column.empty()) {
    at = asked_column(first, options.path_column);
  } else {
    if (options.header.value_or(true)) at = known_path(first);
    const bool is_table = first.size() > 1 && is_even(records);
    if (at == ListShape::kNone && is_table) at = column_of(records, looks_like_photo);
    if (at == ListShape::kNone && is_table) at = column_of(records, looks_like_url);
  }
  return at == ListShape::kNone ? std::nullopt : std::optional(at);
}

/// Lines that are paths with the delimiter in them, not records.
bool are_paths(std::string_view text, bool whole, const std::vector<Record>& records,
               std::size_t column, const Exists& exists) {
  const std::vector<Record> lines = sample(text, whole, '\0');
  // No blank stands in a URL, and behind a photo's name there is rarely more of it.
  const bool all_urls = std::all_of(lines.begin(), lines.end(), [](const Record& line) {
    return is_remote(line.front()) && line.front().find_first_of(" \"") == std::string::npos;
  });
  const std::string& first = records.front().front();
  if (all_urls && column == 0) return !looks_like_photo(first) || first.find('?') != first.npos;
  if (column + 1 != records.front().size()) return false;
  const bool all_photos = std::all_of(lines.begin(), lines.end(), [](const Record& line) {
    return looks_like_photo(line.front());
  });
  if (!all_photos) return false;
  const auto absolute = [](std::string_view path) {
    return path.starts_with('/') || is_remote(path);
  };
  const bool lines_are = absolute(lines.front().front());
  const bool fields_are = absolute(records.front()[column]);
  if (lines_are != fields_are) return lines_are;
  constexpr std::size_t kAsked = 5;
  for (std::size_t i = 0; i < std::min(kAsked, lines.size()); ++i) {
    if (exists(lines[i].front())) return true;
    if (column < records[i].size() && exists(records[i][column])) return false;
  }
  return true;
}

Expected<char> delimiter_of(const std::string& asked) {
  if (asked == "tab" || asked == "\\t") return '\t';
  if (asked.size() == 1 && asked != "\"" && asked != "\n" && asked != "\r") return asked[0];
  return fail(Errc::usage,
              "--delimiter " + asked + ": one character, or \"tab\", is what separates fields");
}

Expected<ListShape> table_shape(std::string_view text, bool whole, const ListOptions& options,
                                const Exists& exists) {
  std::vector<char> delimiters(kDelimiters.begin(), kDelimiters.end());
  if (!options.delimiter.empty()) {
    const Expected<char> given = delimiter_of(options.delimiter);
    if (!given) return fail(given.error());
    delimiters = {*given};
  }
  ListShape shape;
  std::optional<ListShape> single;  // one column, whatever the delimiter
  std::vector<Record> widest, single_records;
  for (const char delimiter : delimiters) {
    std::vector<Record> records = sample(text, whole, delimiter);
    if (records.empty()) break;
    shape.delimiter = delimiter;
    if (widest.empty() || records.front().size() > widest.front().size()) widest = records;
    const std::optional<std::size_t> column = path_column(records, options);
    if (!column) continue;
    shape.path = *column;
    if (records.front().size() == 1) {
      if (!single) single = shape, single_records = std::move(records);
      continue;
    }
    const bool in_doubt = delimiter != '\t' && !options.asks_for_table() &&
                          known_path(records.front()) == ListShape::kNone;
    if (in_doubt && are_paths(text, whole, records, *column, exists)) continue;
    return finish_table(records, shape, options);
  }
  if (single) {
    if (options.delimiter.empty()) single->delimiter = ',';
    return finish_table(single_records, *single, options);
  }
  if (!options.asks_for_table() || widest.empty()) return ListShape{};  // plain
  if (!options.path_column.empty())
    return no_such_column("--path-column", options.path_column, widest.front());
  if (widest.front().size() == 1) {
    shape.path = 0;
    return finish_table(widest, shape, options);
  }
  return fail(Errc::usage,
              "which column has the paths? --path-column NAME says so; the columns are: " +
                  joined_names(widest.front()));
}

Expected<ListShape> json_shape(const json& first, const ListOptions& options) {
  ListShape shape;
  shape.form = ListForm::json_lines;
  Record names;
  for (const auto& [name, value] : first.items()) names.push_back(name);
  std::size_t at =
      options.path_column.empty() ? known_path(names) : asked_column(names, options.path_column);
  for (const auto looks : {&looks_like_photo, &looks_like_url}) {
    if (at != ListShape::kNone || !options.path_column.empty()) break;
    at = index_of(names, [&](std::string_view name) {
      const json& value = first.at(std::string(name));
      return value.is_string() && looks(value.get_ref<const std::string&>());
    });
  }
  if (at == ListShape::kNone && !options.path_column.empty())
    return no_such_column("--path-column", options.path_column, names);
  if (at == ListShape::kNone)
    return fail(Errc::usage, "which member has the path? --path-column NAME says so; there are: " +
                                 joined_names(names));
  shape.path_name = names[at];
  shape.is_our_export = is_our_export(names);
  const std::string name = simple(shape.path_name);
  shape.path_is_uri = name == "uri" || name == "url" || name == "imageurl";
  if (options.id_column.empty()) return shape;
  const std::size_t id = asked_column(names, options.id_column);
  if (id == ListShape::kNone) return no_such_column("--id-column", options.id_column, names);
  shape.id_name = names[id];
  return shape;
}

/// A table or plain paths, whatever ends their lines and whatever Excel has put in front.
Expected<ListShape> shape_of_text(std::string_view text, bool whole, ListOptions options,
                                  const Exists& exists) {
  constexpr std::string_view kExcel = "sep=";
  std::string with_line_feeds;
  const bool old_mac =
      text.find('\n') == std::string_view::npos && text.find('\r') < text.size() - 1;
  if (old_mac) {
    with_line_feeds = text;
    std::replace(with_line_feeds.begin(), with_line_feeds.end(), '\r', '\n');
    text = with_line_feeds;
  }
  const std::string_view first = without_line_end(text.substr(0, text.find('\n')));
  const bool told = first.size() == kExcel.size() + 1 && first.starts_with(kExcel);
  if (told) {
    if (options.delimiter.empty()) options.delimiter = first.substr(kExcel.size());
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  Expected<ListShape> shape = table_shape(text, whole, options, exists);
  if (!shape) return shape;
  if (old_mac) shape->line_end = '\r';
  if (told) shape->lines_before = 1;
  return shape;
}

/// What begins with a brace or a bracket, if it is JSON.
Expected<std::optional<ListShape>> shape_if_json(std::string_view text, bool whole,
                                                 const ListOptions& options) {
  const std::string_view rest =
      text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (rest.empty() || (rest.front() != '{' && rest.front() != '[')) return std::nullopt;
  const auto end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  const json first = json::parse(line, nullptr, false);
  if (first.is_object()) {
    const Expected<ListShape> shape = json_shape(first, options);
    if (!shape) return fail(shape.error());
    return *shape;
  }
  const std::string_view inside =
      rest.substr(std::min(rest.find_first_not_of(" \t\r\n", 1), rest.size()));
  const bool json_inside = !inside.empty() && (inside.front() == '"' || inside.front() == '{' ||
                                               inside.front() == '}' || inside.front() == ']');
  if (!first.is_array() && !(json_inside && (end != std::string_view::npos || whole)))
    return std::nullopt;
  return fail(Errc::usage,
              "is JSON, but not an object a line: write it as JSON Lines (jq -c '.[]' FILE)");
}

bool is_utf16(std::string_view text) {
  if (text.starts_with("\xff\xfe"sv) || text.starts_with("\xfe\xff"sv)) return true;
  std::size_t zeros = 0;
  const std::size_t looked_at = std::min<std::size_t>(text.size(), 64) & ~std::size_t{1};
  for (std::size_t i = 0; i < looked_at; ++i) zeros += text[i] == '\0' ? 1 : 0;
  return looked_at >= 8 && zeros * 2 >= looked_at;
}

/// A photo, an archive or a database, by its first bytes.
bool is_binary(std::string_view text) {
  constexpr std::array kMarks{
      "\xff\xd8\xff"sv, "\x89PNG"sv,         "GIF8"sv, "RIFF"sv, "PK\x03\x04"sv,
      "\x1f\x8b"sv,     "SQLite format 3"sv, "%PDF-"sv};
  return std::any_of(kMarks.begin(), kMarks.end(),
                     [&](std::string_view mark) { return text.starts_with(mark); });
}

}  // namespace

Expected<ListShape> shape_of_list(std::string_view beginning, bool whole,
                                  const ListOptions& options, const Exists& exists) {
  if (beginning.starts_with("\xef\xbb\xbf")) beginning.remove_prefix(3);
  ListShape nul;
  nul.form = ListForm::nul;
  nul.line_end = '\0';
  if (options.from0) {
    if (!options.asks_for_table()) return nul;
    return fail(Errc::usage, "--from0 is for plain paths, which have no columns");
  }
  if (is_utf16(beginning))
    return fail(Errc::usage, "is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8 FILE)");
  if (is_binary(beginning))
    return fail(Errc::usage, "is a photo or another file, not a list of photos");
  if (beginning.find('\0') != std::string_view::npos && !options.asks_for_table()) return nul;
  const auto json = shape_if_json(beginning, whole, options);
  if (!json) return fail(json.error());
  if (*json) return **json;
  return shape_of_text(beginning, whole, options, exists);
}

}  // namespace photoscribe
