#include "ops/cli/calibrate/labels.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <unordered_set>

#include "common/text/csv.h"

namespace photoscribe::cli {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<bool> verdict_of(const std::string& text) {
  if (text == "blurred" || text == "blurry" || text == "blur" || text == "1") return true;
  if (text == "clear" || text == "sharp" || text == "0") return false;
  return std::nullopt;
}

/// Lines of the file as CSV records, with the number of the line where each begins.
class Records {
 public:
  Records(const std::string& file, std::ifstream stream)
      : file_(file), stream_(std::move(stream)) {}

  /// False at the end. A quote that never closes is an error.
  Expected<bool> next(std::vector<std::string>& fields) {
    do {
      if (!std::getline(stream_, line_)) return false;
      ++number_;
      begun_ = number_;
    } while (trimmed(line_).empty());
    const bool whole = split_csv_record(line_, ',', fields, [this](std::string& record) {
      std::string more;
      if (!std::getline(stream_, more)) return false;
      ++number_;
      record += "\n" + more;
      return true;
    });
    if (!whole) return wrong("a quote is never closed");
    for (std::string& field : fields) field = trimmed(field);
    return true;
  }
  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& why) const {
    return fail(Errc::invalid_config, file_ + ", line " + std::to_string(begun_) + ": " + why);
  }

 private:
  const std::string& file_;
  std::ifstream stream_;
  std::string line_;
  int number_ = 0, begun_ = 0;
};

struct Places {
  std::size_t file = SIZE_MAX, label = SIZE_MAX, group = SIZE_MAX, fields = 0;
  std::vector<std::size_t> columns;
};

Expected<Places> read_heading(Records& records, const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  const Expected<bool> any = records.next(names);
  if (!any) return fail(any.error());
  if (*any && names[0].starts_with("\xef\xbb\xbf")) names[0].erase(0, 3);
  const auto place = [&](const std::string& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? SIZE_MAX : static_cast<std::size_t>(found - names.begin());
  };
  Places places;
  places.fields = names.size();
  for (const char* name : {"photo", "image", "path", "file"})
    if (place(name) != SIZE_MAX) places.file = place(name);
  places.label = place("label");
  places.group = place("group");
  if (!*any || places.file == SIZE_MAX || places.label == SIZE_MAX)
    return records.wrong("the first line must name the columns, \"file,label\" among them");
  for (const std::string& column : columns) {
    places.columns.push_back(place(column));
    if (places.columns.back() == SIZE_MAX)
      return records.wrong("there is no column \"" + column + "\" (--compare)");
  }
  return places;
}

Expected<Label> read_label(const Records& records, const Places& places,
                           const std::vector<std::string>& fields) {
  if (fields.size() != places.fields) {
    return records.wrong(std::to_string(fields.size()) + " fields, the heading names " +
                         std::to_string(places.fields));
  }
  Label label;
  label.file = fields[places.file];
  if (label.file.empty()) return records.wrong("the photo has no name");
  const std::optional<bool> verdict = verdict_of(fields[places.label]);
  if (!verdict)
    return records.wrong("label \"" + fields[places.label] + "\" is neither blurred nor clear");
  label.blurred = *verdict;
  if (places.group != SIZE_MAX) label.group = fields[places.group];
  for (const std::size_t place : places.columns) {
    const std::string& text = fields[place];
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
      return records.wrong("\"" + text + "\" is not a number (--compare)");
    label.columns.push_back(value);
  }
  return label;
}

}  // namespace

Expected<std::vector<Label>> read_labels(const std::string& file,
                                         const std::vector<std::string>& columns) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return fail(Errc::environment, "read " + file + ": " + std::strerror(errno));
  Records records(file, std::move(stream));
  const Expected<Places> places = read_heading(records, columns);
  if (!places) return fail(places.error());
  std::vector<Label> labels;
  std::unordered_set<std::string> seen;
  std::vector<std::string> fields;
  for (;;) {
    const Expected<bool> more = records.next(fields);
    if (!more) return fail(more.error());
    if (!*more) break;
    Expected<Label> label = read_label(records, *places, fields);
    if (!label) return fail(label.error());
    if (!seen.insert(label->file).second) return records.wrong(label->file + " is labelled twice");
    labels.push_back(std::move(*label));
  }
  const auto blurred =
      std::count_if(labels.begin(), labels.end(), [](const Label& label) { return label.blurred; });
  if (blurred == 0 || blurred == std::ssize(labels)) {
    return fail(Errc::invalid_config, file + ": needs photos of both labels; it has " +
                                          std::to_string(blurred) + " blurred and " +
                                          std::to_string(std::ssize(labels) - blurred) + " clear");
  }
  return labels;
}

}  // namespace photoscribe::cli
