#include "scheduler/sources/list_reader.h"

#include <unistd.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/remote/photo_url.h"
#include "common/sqlite/storage.h"
#include "common/text/csv.h"

namespace photoscribe {
namespace {

using nlohmann::json;

constexpr std::size_t kSampleBytes = std::size_t{1} << 20;
constexpr std::size_t kRecordMax = std::size_t{1} << 18;  // longer ones have a stray quote

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string percent_bytes(std::string_view text) {
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

/// What is nested more deeply than anything that is meant is left out.
json parsed(std::string_view text) {
  constexpr int kDepthMax = 50;
  return json::parse(
      text,
      [](int depth, json::parse_event_t /*event*/, json& /*value*/) { return depth <= kDepthMax; },
      false);
}

/// As it was given: a text, a number, true or false; lists and objects as JSON.
std::optional<std::string> text_of_value(const json& value) {
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string path_of_uri(std::string_view uri) {
  if (is_web(uri)) return std::string(uri);  // whose %XX are its own
  constexpr std::string_view kFile = "file://";
  if (uri.starts_with(kFile)) {
    uri.remove_prefix(kFile.size());
    if (uri.starts_with("localhost/")) uri.remove_prefix(std::string_view("localhost").size());
  }
  return percent_bytes(uri);
}

ListReader::ListReader(const ListFile& file, ListShape shape)
    : shape_(std::move(shape)),
      lines_(file, shape_.line_end),
      heading_next_(shape_.form == ListForm::table && shape_.header),
      lines_before_(shape_.lines_before) {}

Expected<ListReader> ListReader::open(const ListFile& file, const ListOptions& options) {
  const Expected<std::string> beginning = file.beginning(kSampleBytes);
  if (!beginning) return fail(beginning.error());
  const auto exists = [&](const std::string& path) {
    const bool relative = !path.starts_with('/') && !options.root.empty();
    return ::access((relative ? options.root + "/" + path : path).c_str(), F_OK) == 0;
  };
  Expected<ListShape> shape =
      shape_of_list(*beginning, beginning->size() < kSampleBytes, options, exists);
  if (!shape)
    return fail(shape.error().code, sqlite::text_of(file.name()) + ": " + shape.error().message);
  return ListReader(file, std::move(*shape));
}

Expected<bool> ListReader::next(ListEntry& entry) {
  for (;;) {
    const Expected<bool> more = next_record(entry);
    if (!more || !*more) return more;
    if (!entry.path.empty() || !entry.fault.empty()) return true;
  }
}

Expected<bool> ListReader::next_record(ListEntry& entry) {
  entry.path.clear();
  entry.id.clear();
  entry.kept.clear();
  entry.heading = false;
  entry.fields = 0;
  entry.fault.clear();
  ListLines::Line line;
  const Expected<bool> more = lines_.next(line);
  if (!more || !*more) return more;
  record_ = line.text;
  entry.line = line.number;
  if (line.cut) {
    entry.fault = "is longer than 16 MiB";
    return true;
  }
  if (shape_.form == ListForm::nul) {
    entry.path = line.text;
    if (entry.path.ends_with('\0')) entry.path.pop_back();
    return true;
  }
  if (is_blank(line.text) || lines_before_-- > 0) return true;
  lines_before_ = 0;
  if (shape_.form == ListForm::plain) {
    entry.path = without_line_end(line.text);
  } else if (shape_.form == ListForm::json_lines) {
    read_json(entry);
  } else if (Status read = read_table(entry); !read) {
    return fail(read.error());
  }
  if (entry.path.starts_with("file://")) entry.path = path_of_uri(entry.path);
  if (entry.path.find('\0') != std::string::npos) entry.fault = "the path has a NUL in it";
  return true;
}

/// Splits record_, and reads further lines into it while a quote is open. A quote that never
/// closes, or closes where the fields do not fit the columns, is a character of its one line.
Status ListReader::complete_record(std::vector<std::string>& fields) {
  const ListLines::Place behind = lines_.place();
  const std::string first = record_;
  std::optional<Error> failure;
  const auto more = [&](std::string& text) {
    ListLines::Line line;
    if (record_.size() > kRecordMax) return false;
    const Expected<bool> read = lines_.next(line);
    if (!read) failure = read.error();
    if (!read || !*read) return false;
    text.append(record_, text.size());  // the end of the line before
    text += without_line_end(line.text);
    record_ += line.text;
    return true;
  };
  std::string text(without_line_end(record_));
  const bool closed = split_csv_record(text, shape_.delimiter, fields, more);
  if (failure) return fail(*failure);
  const bool one_line = record_.size() == first.size();
  if (closed && (one_line || fields.size() == shape_.columns.size())) return {};
  record_ = first;
  lines_.go_to(behind);
  fields = split_plainly(without_line_end(record_), shape_.delimiter);
  return {};
}

Status ListReader::read_table(ListEntry& entry) {
  std::vector<std::string> fields;
  if (Status read = complete_record(fields); !read) return read;
  if (heading_next_) {
    heading_next_ = false;
    entry.heading = true;
    return {};
  }
  entry.fields = fields.size();
  if (shape_.path < fields.size())
    entry.path = shape_.path_is_uri ? path_of_uri(trimmed(fields[shape_.path]))
                                    : std::string(trimmed(fields[shape_.path]));
  if (entry.path.empty()) {
    entry.fault = shape_.path < fields.size() ? "there is no path in it" : "it has too few fields";
    return {};
  }
  while (fields.size() > shape_.columns.size() && is_blank(fields.back())) fields.pop_back();
  if (fields.size() > shape_.columns.size()) {
    entry.fault = std::to_string(fields.size()) + " fields, but " +
                  std::to_string(shape_.columns.size()) + " columns";
    return {};
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i == shape_.path || (shape_.is_our_export && i != shape_.id)) continue;
    entry.kept.emplace_back(shape_.columns[i], as_utf8(fields[i]));
    if (i == shape_.id) entry.id = entry.kept.back().second;
  }
  return {};
}

void ListReader::read_json(ListEntry& entry) const {
  const json object = parsed(record_);
  if (!object.is_object()) {
    entry.fault = "is not a JSON object";
    return;
  }
  for (const auto& [name, value] : object.items()) {
    const std::optional<std::string> text = text_of_value(value);
    if (name == shape_.path_name) {
      if (value.is_string()) entry.path = shape_.path_is_uri ? path_of_uri(*text) : *text;
    } else if (const bool is_id = name == shape_.id_name;
               text && (is_id || !shape_.is_our_export)) {
      if (is_id) entry.id = *text;
      entry.kept.emplace_back(is_id ? "id" : name, *text);
    }
  }
  if (entry.path.empty()) entry.fault = "there is no path in it";
}

}  // namespace photoscribe
