#include "common/scores/caption_file.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "common/scores/block_reader.h"
#include "common/scores/caption_forms.h"
#include "common/scores/ordered_work.h"

namespace photoscribe {
namespace {

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find_first_of("\r\n"));
}

/// The first member's name of the object that `text` begins with, or nothing.
std::string_view first_member(std::string_view text) {
  const auto open = text.find_first_not_of(" \t\r\n", 1);
  if (open == std::string_view::npos || text[open] != '"') return {};
  return text.substr(open + 1, text.find('"', open + 1) - open - 1);
}

std::optional<CaptionForm> form_of_json(std::string_view text) {
  if (text.front() == '[') return CaptionForm::coco_results;
  if (text.front() != '{') return std::nullopt;
  static constexpr std::array<std::string_view, 6> kDocument{"images",   "annotations", "info",
                                                             "licenses", "dataset",     "type"};
  const bool document =
      std::find(kDocument.begin(), kDocument.end(), first_member(text)) != kDocument.end();
  return document ? CaptionForm::coco_captions : CaptionForm::json_lines;
}

bool names_columns(std::string_view line) {
  const auto tab = line.find('\t');
  const bool numbered = line.substr(0, tab).find('#') != std::string_view::npos;
  return (line.find("caption") != std::string_view::npos ||
          line.find("comment") != std::string_view::npos) &&
         (tab == std::string_view::npos || !numbered);
}

/// Tells the form by how the file begins; why it is none of them, else. A first line that is in no
/// form may be a broken one, so some behind it are looked at, too.
tl::expected<CaptionForm, std::string> form_of(std::string_view text) {
  constexpr int kLinesLookedAt = 16;
  const auto skip_blanks = [&text] {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  };
  skip_blanks();
  if (text.empty()) return tl::unexpected<std::string>("is empty");
  if (const auto json = form_of_json(text)) return *json;
  if (names_columns(first_line(text))) return CaptionForm::csv;
  for (int looked = 0; looked < kLinesLookedAt && !text.empty(); ++looked) {
    const std::string_view line = first_line(text);
    if (line.find('\t') != std::string_view::npos || line.find('#') != std::string_view::npos)
      return CaptionForm::flickr_tokens;
    if (line.front() == '{') return CaptionForm::json_lines;
    text.remove_prefix(line.size());
    skip_blanks();
  }
  return tl::unexpected<std::string>(
      "is in no known format: name.jpg#0<TAB>caption lines, CSV with a heading (image,caption), "
      "JSON Lines, COCO JSON, or Karpathy's dataset JSON");
}

}  // namespace

std::string_view name_of(CaptionForm form) noexcept {
  switch (form) {
    case CaptionForm::flickr_tokens:
      return "Flickr tokens";
    case CaptionForm::csv:
      return "CSV";
    case CaptionForm::json_lines:
      return "JSON Lines";
    case CaptionForm::coco_results:
      return "COCO results";
    case CaptionForm::coco_captions:
      return "COCO captions";
    case CaptionForm::karpathy:
      break;
  }
  return "Karpathy's dataset";
}

std::string to_text(const LeftOut& left_out) {
  std::string text =
      std::to_string(left_out.count) + (left_out.count == 1 ? " entry" : " entries") + " left out";
  for (std::size_t i = 0; i < left_out.first.size(); ++i)
    text += (i == 0 ? " (" : "; ") + left_out.first[i];
  if (left_out.first.empty()) return text;
  const auto named = static_cast<std::int64_t>(left_out.first.size());
  return text + (left_out.count > named ? "; …)" : ")");
}

namespace {

Status read_form(CaptionSource& source) {
  switch (source.facts.form) {
    case CaptionForm::flickr_tokens:
      return read_flickr_tokens(source);
    case CaptionForm::csv:
      return read_csv(source);
    case CaptionForm::json_lines:
      return read_json_lines(source);
    case CaptionForm::coco_results:
      return read_json_array(source);
    default:
      return read_json_document(source);
  }
}

/// Its lines say what they say whatever stands before them.
bool is_read_by_line(CaptionForm form) {
  return form == CaptionForm::flickr_tokens || form == CaptionForm::json_lines;
}

/// A piece of the file on its way through the threads.
struct Piece {
  explicit Piece(Tokenizer tokenizer) : batch(tokenizer) {}
  std::string lines;  // to be read; empty: `batch` has its captions already
  CaptionBatch batch;
};
using Pieces = OrderedWork<Piece>;

void read_piece(Piece& piece, CaptionForm form, const std::string& file, const TakeCaption& take) {
  if (!piece.lines.empty()) {
    BlockReader reader = BlockReader::of_text(std::move(piece.lines));
    CaptionSource source(file, reader, take, false, form);
    source.batch = &piece.batch;
    (void)read_form(source);  // faults are entries of the batch
    piece.batch.lines = reader.line_number();
  }
  piece.batch.tokenise();
}

Status read_by_line(BlockReader& reader, Tokenizer tokenizer, Pieces& pieces) {
  for (auto piece = std::make_unique<Piece>(tokenizer); reader.next_lines(piece->lines);
       piece = std::make_unique<Piece>(tokenizer)) {
    if (Status added = pieces.add(std::move(piece)); !added) return added;
  }
  return {};
}

/// Read on this thread, tokenised on the others.
Status read_as_whole(CaptionSource& source, Tokenizer tokenizer, Pieces& pieces) {
  auto piece = std::make_unique<Piece>(tokenizer);
  source.batch = &piece->batch;
  source.full = [&]() -> Status {
    const Status added = pieces.add(std::exchange(piece, std::make_unique<Piece>(tokenizer)));
    source.batch = &piece->batch;
    return added;
  };
  const Status read = read_form(source);
  const Status added = source.full();  // what came before an error, too
  return added ? read : added;
}

Status read_in_pieces(CaptionSource& source, Tokenizer tokenizer, int threads) {
  // As it begins: a document's form becomes known while the threads are at work.
  const CaptionForm form = source.facts.form;
  const auto read = [&source, form](Piece& piece) {
    read_piece(piece, form, source.file, source.take);
  };
  const auto hand_on = [&](Piece& piece) { return source.hand_on(piece.batch); };
  Pieces pieces(threads, read, hand_on);
  Status done;
  if (is_read_by_line(source.facts.form)) {
    done = read_by_line(source.reader, tokenizer, pieces);
  } else {
    CaptionSource recording(source.file, source.reader, source.take, false, source.facts.form);
    done = read_as_whole(recording, tokenizer, pieces);
    source.facts.form = recording.facts.form;
  }
  // What was read before an error comes first.
  if (Status handed = pieces.finish(); !handed) return handed;
  return done;
}

template <class Read>
Expected<CaptionFileFacts> read_file(const std::string& file, const TakeCaption& take, bool strict,
                                     Read read_all) {
  Expected<BlockReader> reader = BlockReader::open(file);
  if (!reader) return fail(reader.error());
  const auto form = form_of(reader->peek());
  if (Status read = reader->failure(); !read) return fail(read.error());
  if (!form) return fail(Errc::invalid_config, file + ": " + form.error());
  CaptionSource source(file, *reader, take, strict, *form);
  const Status read = read_all(source);
  if (Status failed = reader->failure(); !failed) return fail(failed.error());
  if (!read) return fail(read.error());
  if (source.facts.captions == 0) {
    const LeftOut& left_out = source.facts.left_out;
    return fail(Errc::invalid_config, file + ": holds no captions" +
                                          (left_out.count > 0 ? "; " + to_text(left_out) : ""));
  }
  return source.facts;
}

}  // namespace

Expected<CaptionFileFacts> read_caption_file(const std::string& file, const TakeCaption& take,
                                             bool strict) {
  return read_file(file, take, strict, read_form);
}

Expected<CaptionFileFacts> read_tokenised_captions(const std::string& file, Tokenizer tokenizer,
                                                   int threads, const TakeCaption& take,
                                                   bool strict) {
  return read_file(file, take, strict, [&](CaptionSource& source) {
    return read_in_pieces(source, tokenizer, threads);
  });
}

namespace {

std::string listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Expected<std::vector<NamedReferences>> read_references(const std::string& file,
                                                       const std::string& split, bool strict,
                                                       LeftOut* left_out) {
  std::vector<NamedReferences> references;
  std::unordered_map<std::string, std::size_t> index;
  std::set<std::string> splits;
  const auto take = [&](const FileCaption& one) -> Status {
    if (!one.split.empty()) splits.emplace(one.split);
    if (!split.empty() && one.split != split) return {};
    if (one.caption.empty())
      return fail(Errc::bad_payload, std::string(one.id) + " has an empty caption");
    // The file name is the one of the two that is no bare number.
    const bool number = one.id.find_first_not_of("0123456789") == std::string_view::npos;
    const std::string name(number && !one.other_id.empty() ? one.other_id : one.id);
    const auto [found, is_new] = index.try_emplace(name, references.size());
    if (!is_new && one.begins_list)
      return fail(Errc::bad_payload, name + " has a second list of captions");
    if (is_new) references.push_back({name, {}, std::string(one.folder), std::string(one.split)});
    references[found->second].captions.emplace_back(one.caption);
    return {};
  };
  Expected<CaptionFileFacts> facts = read_caption_file(file, take, strict);
  if (!facts) return fail(facts.error());
  if (facts->without_caption > 0) {
    facts->left_out.count += facts->without_caption;
    facts->left_out.first.push_back(std::to_string(facts->without_caption) +
                                    " listed without a caption");
    if (strict) return fail(Errc::invalid_config, file + ": " + facts->left_out.first.back());
  }
  if (left_out != nullptr) *left_out = facts->left_out;
  if (facts->form == CaptionForm::coco_results) {
    return fail(Errc::invalid_config, file +
                                          ": holds results, not references: one caption a photo "
                                          "by its number; name COCO's captions_*.json");
  }
  if (references.empty()) {
    return fail(
        Errc::usage,
        file + (splits.empty() ? ": has no splits; name a list of file names with --split"
                               : ": has no split \"" + split + "\"; there are: " + listed(splits)));
  }
  return references;
}

Expected<PhotoNames> read_photo_list(const std::string& file) {
  Expected<BlockReader> reader = BlockReader::open(file);
  if (!reader) return fail(reader.error());
  PhotoNames names;
  for (std::string_view line; reader->next_line(line);) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    line = line.substr(first, line.find_last_not_of(" \t") - first + 1);
    const std::string_view name = line.substr(line.rfind('/') + 1);  // npos + 1 is 0
    if (name.empty()) {
      return fail(Errc::invalid_config, file + ", line " + std::to_string(reader->line_number()) +
                                            ": names a folder, not a photo");
    }
    names.emplace(name);
  }
  if (Status read = reader->failure(); !read) return fail(read.error());
  if (names.empty()) return fail(Errc::invalid_config, file + ": names no photos");
  return names;
}

Expected<PhotoNames> photos_of_split(const std::string& split, const std::string& references_file) {
  std::error_code ignored;
  if (std::filesystem::exists(split, ignored)) return read_photo_list(split);
  if (references_file.empty()) {
    return fail(Errc::usage, split +
                                 ": there is no such list of file names; a split by name, such "
                                 "as test, needs --references with Karpathy's dataset JSON");
  }
  const auto references = read_references(references_file, split);
  if (!references) {
    return fail(references.error().code,
                references.error().message + " (and there is no file " + split + ")");
  }
  PhotoNames names;
  for (const NamedReferences& one : *references) names.insert(one.file_name);
  return names;
}

}  // namespace photoscribe
