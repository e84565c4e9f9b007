#include "ops/cli/run/export_join.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "common/text/utf8.h"
#include "scheduler/sources/list_reader.h"
#include "scheduler/sources/listed_paths.h"
#include "scheduler/store/paths.h"

namespace photoscribe::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kNamed = 10;

void name_first(std::vector<std::string>& first, std::string text) {
  if (first.size() < kNamed) first.push_back(std::move(text));
}

/// Finds the photo that a row names.
class Finder {
 public:
  Finder(Lookup& store, RunId run, std::vector<Root> roots, std::string below, bool by_id)
      : store_(store),
        run_(run),
        below_(std::move(below)),
        paths_(std::move(roots), below_),
        by_id_(by_id) {}

  [[nodiscard]] Expected<std::optional<ResultRow>> find(const ListEntry& entry) {
    if (by_id_ && entry.id.empty()) return std::nullopt;
    if (by_id_) return store_.photo_with(entry.id);
    const bool is_whole = entry.path.starts_with('/') || is_address(entry.path);
    if (!is_whole && below_.empty()) return below_a_root(entry.path);
    const Expected<std::string> whole = paths_.whole(entry.path);
    if (!whole) return std::nullopt;
    const ListedPaths::Place place = paths_.place(*whole);
    if (place.root < 0) return std::nullopt;
    return store_.photo_at(run_, root(place.root).name, place.path);
  }

 private:
  [[nodiscard]] const Root& root(int index) const {
    return paths_.roots()[static_cast<std::size_t>(index)];
  }
  /// The path relative to a root, as in exports.
  [[nodiscard]] Expected<std::optional<ResultRow>> below_a_root(std::string path) {
    while (path.starts_with("./")) path.erase(0, 2);
    for (const Root& one : paths_.roots()) {
      auto found = store_.photo_at(run_, one.name, path);
      if (!found || *found) return found;
    }
    return std::nullopt;
  }

  Lookup& store_;
  RunId run_;
  std::string below_;
  ListedPaths paths_;
  bool by_id_;
};

/// Our names, with a prefix where theirs are the same.
std::vector<std::string> headings(const Join& join, const std::vector<std::string>& theirs) {
  std::vector<std::string> names;
  for (const ExportColumn& column : join.columns) {
    const bool taken = std::find(theirs.begin(), theirs.end(), column.name) != theirs.end();
    names.push_back((taken ? "photoscribe_" : "") + column.name);
  }
  return names;
}

class Joiner {
 public:
  Joiner(const Join& join, const ListShape& shape)
      : join_(join), shape_(shape), names_(headings(join, shape.columns)) {
    join_.style.delimiter = shape.delimiter;
  }

  [[nodiscard]] std::string heading(std::string_view raw) const {
    return with_fields(raw, shape_.columns.size(), names_);
  }
  [[nodiscard]] std::string row(std::string_view raw, std::size_t fields,
                                const std::optional<ResultRow>& found) const {
    std::vector<std::string> values;
    for (const ExportColumn& column : join_.columns)
      values.push_back(found ? text_of(column, *found, join_.blur_mode) : std::string());
    if (shape_.form == ListForm::json_lines) return with_members(raw, values);
    return with_fields(raw, fields, values);
  }

 private:
  [[nodiscard]] std::string with_fields(std::string_view raw, std::size_t fields,
                                        const std::vector<std::string>& values) const {
    const std::string_view text = without_line_end(raw);
    std::string out(text);
    // A row that is too short: our fields still go below their headings.
    for (std::size_t i = fields; i < shape_.columns.size(); ++i) out += shape_.delimiter;
    for (const std::string& value : values)
      out += shape_.delimiter + export_field(value, join_.style);
    return out.append(raw.substr(text.size()));
  }
  [[nodiscard]] std::string with_members(std::string_view raw,
                                         const std::vector<std::string>& values) const {
    const ordered_json theirs = ordered_json::parse(raw, nullptr, false);
    const auto end = raw.rfind('}');
    if (!theirs.is_object() || end == std::string_view::npos) return std::string(raw);
    std::string out(raw.substr(0, end));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string& column = join_.columns[i].name;
      const std::string member = (theirs.contains(column) ? "photoscribe_" : "") + column;
      out += (i == 0 && theirs.empty() ? "" : ",") + ordered_json(member).dump() + ":" +
             (values[i].empty() ? "null" : ordered_json(replaced(values[i])).dump());
    }
    return out.append(raw.substr(end));
  }

  Join join_;
  ListShape shape_;
  std::vector<std::string> names_;
};

/// The photos of the run that no row names.
Status rest_of_run(Lookup& store, RunId run, const std::vector<bool>& seen, Unmatched& unmatched) {
  return store.for_each_photo(run, [&](std::int64_t image_id, const std::string& uri) {
    const auto index = static_cast<std::size_t>(image_id);
    if (index < seen.size() && seen[index]) return;
    ++unmatched.photos;
    name_first(unmatched.first_photos, shown(uri));
  });
}

/// Excel reads a file as UTF-8 only if it has one.
Status keep_byte_order_mark(const ListFile& file,
                            const std::function<Status(std::string_view)>& add) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  const Expected<std::string> beginning = file.beginning(kMark.size());
  if (!beginning) return fail(beginning.error());
  return *beginning == kMark ? add(kMark) : Status();
}

Status prepare_ids(Lookup& store, RunId run) {
  const Expected<std::int64_t> with_id = store.index_kept(run, "id");
  if (!with_id) return fail(with_id.error());
  if (*with_id > 0) return {};
  return fail(Errc::usage,
              "--id-column: no photo of the run has an id; it has one when it was run with --list "
              "FILE --id-column COLUMN");
}

}  // namespace

Expected<Unmatched> join_rows(Lookup& store, const RunRow& run, const Join& join,
                              const std::function<Status(std::string_view)>& add) {
  const Expected<ListFile> file = ListFile::open(join.file);
  if (!file) return fail(file.error());
  Expected<ListReader> reader = ListReader::open(*file, join.list);
  if (!reader) return fail(reader.error());
  const ListShape& shape = reader->shape();
  if (shape.form == ListForm::plain || shape.form == ListForm::nul)
    return fail(Errc::usage,
                shown(file->name()) + ": has no columns; --join wants CSV, TSV or JSON Lines");
  const bool by_id = !join.list.id_column.empty();
  if (by_id) {
    if (Status prepared = prepare_ids(store, run.id); !prepared) return fail(prepared.error());
  }
  Expected<std::vector<Root>> roots = store.roots(run.id);
  if (!roots) return fail(roots.error());
  const std::string& asked = join.list.root;
  const std::string below = asked.empty() ? "" : real_path(asked);
  if (!asked.empty() && below.empty())
    return fail(Errc::usage, "--root " + shown(asked) + ": there is no such folder");
  Finder finder(store, run.id, std::move(*roots), below, by_id);
  const Joiner joiner(join, shape);
  Unmatched unmatched;
  std::vector<bool> seen;
  if (Status begun = keep_byte_order_mark(*file, add); !begun) return fail(begun.error());
  for (ListEntry entry;;) {
    const Expected<bool> more = reader->next_record(entry);
    if (!more) return fail(more.error());
    if (!*more) break;
    std::string out;
    if (entry.heading) {
      out = joiner.heading(reader->raw());
    } else if (entry.path.empty() && entry.fault.empty()) {
      out = reader->raw();
    } else {
      auto found = finder.find(entry);
      if (!found) return fail(found.error());
      if (*found) {
        const auto index = static_cast<std::size_t>((*found)->image_id);
        if (index >= seen.size()) seen.resize(std::max(index + 1, seen.size() * 2));
        seen[index] = true;
        *found = join.exported_row(std::move(**found));
      } else {
        ++unmatched.rows;
        const std::string what = by_id ? entry.id : entry.path;
        name_first(unmatched.first_rows, "line " + std::to_string(entry.line) + ": " +
                                             (what.empty() ? entry.fault : shown(what)));
      }
      out = joiner.row(reader->raw(), entry.fields, *found);
    }
    if (Status added = add(out); !added) return fail(added.error());
  }
  if (Status rest = rest_of_run(store, run.id, seen, unmatched); !rest) return fail(rest.error());
  return unmatched;
}

std::string to_text(const Unmatched& unmatched, const std::string& file) {
  const auto list = [](const std::string& what, std::int64_t count,
                       const std::vector<std::string>& first) {
    if (count == 0) return std::string();
    std::string out = what + ":\n";
    for (const std::string& one : first) out += "  " + one + "\n";
    const std::int64_t more = count - static_cast<std::int64_t>(first.size());
    return more > 0 ? out + "  … and " + grouped(more) + " more\n" : out;
  };
  return list(counted(unmatched.rows, "row") + " of " + shown(file) + " without a photo of the run",
              unmatched.rows, unmatched.first_rows) +
         list(counted(unmatched.photos, "photo") + " of the run in no row of " + shown(file),
              unmatched.photos, unmatched.first_photos);
}

}  // namespace photoscribe::cli
