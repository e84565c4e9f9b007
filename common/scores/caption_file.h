// caption_file: files of captions in the usual formats, recognised by their content.
//
// Reads in blocks and hands out one caption after the other, so that a file may be larger than
// memory (except JSON Lines, a line of which is held whole). What cannot be right is left out,
// counted and named, or an error where that is asked for (`strict`); never a guess. What the
// captions are for is the caller's business.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "common/core/error.h"
#include "common/scores/local_words.h"
#include "common/scores/tokenize.h"

namespace photoscribe {

enum class CaptionForm : std::uint8_t {
  flickr_tokens,  // name.jpg#N<TAB>caption: Flickr8k.token.txt, results_20130124.token
  csv,         // a heading that names a column for the photo and one "caption": Kaggle, our export
  json_lines,  // {"id","captions":[…]} or {"id","caption"} a line
  coco_results,   // [{"image_id","caption"}, …]
  coco_captions,  // {"images":[{"id","file_name"}],"annotations":[{"image_id","caption"}]}
  karpathy,  // {"images":[{"filepath","filename","split","sentences":[{"raw"}]}]}: dataset_*.json
};
[[nodiscard]] std::string_view name_of(CaptionForm form) noexcept;

/// One caption, valid during the call.
struct FileCaption {
  std::string_view id;  // the photo's, as the file has it
  std::string_view
      other_id;  // a second name of the same photo, or empty: COCO's number or file name
  std::string_view caption;  // UTF-8, no blanks around; may be empty only where a JSON form says ""
  std::string_view split;    // "train", "val", "test", "restval" in Karpathy's files; what a line
                             // of JSON Lines says; else empty
  std::int64_t line = 0;     // 0 where the form has none
  bool begins_list = false;  // the first of a list that has all of the photo\'s captions
  std::string_view folder = {};  // where the photo lies: Karpathy's "filepath", what stands before
                                 // the last part of "path" or "uri"; else empty
  int number = -1;               // N of Flickr's name.jpg#N
  const LocalTokens* tokens = nullptr;  // of the caption: read_tokenised_captions() alone
};

/// What is wrong in a file and was left out.
struct LeftOut {
  std::int64_t count = 0;
  std::vector<std::string> first;  // the first few: "line 17: the caption is empty"
};
/// "2 entries left out (line 17: the caption is empty; line 20: …)".
[[nodiscard]] std::string to_text(const LeftOut& left_out);

struct CaptionFileFacts {
  CaptionForm form = CaptionForm::json_lines;
  LeftOut left_out;
  std::int64_t captions = 0;
  std::int64_t without_caption = 0;  // photos that are listed with none: null, or not done
};

using TakeCaption = std::function<Status(const FileCaption&)>;

/// Calls `take` with every caption of `file` ("-": standard input), in the file's order; an error
/// that `take` returns ends it, but for bad_payload: what is wrong with this caption alone. A line
/// or an item that is wrong is left out; with `strict` it is invalid_config, naming file and line.
/// So is, always, a file without a caption or in no known form, and a JSON text that ends before
/// its end. `environment`: the file cannot be read. A photo's id is, in this order, "id",
/// "image_id", "image", "image_name", "file_name", "filename"; or the last part of "path" or of
/// "uri", there with %XX as bytes.
Expected<CaptionFileFacts> read_caption_file(const std::string& file, const TakeCaption& take,
                                             bool strict = false);

/// The same, with each caption's tokens: `take` is called on this thread and in the file's order,
/// what it sees does not depend on `threads`. So many read and tokenise; each adds about 5 MB.
Expected<CaptionFileFacts> read_tokenised_captions(const std::string& file, Tokenizer tokenizer,
                                                   int threads, const TakeCaption& take,
                                                   bool strict = false);

/// References of one photo by its file name.
struct NamedReferences {
  std::string file_name;
  std::vector<std::string> captions;
  std::string folder = {}, split = {};  // as in FileCaption
};

/// All of a file of references, photos in the order of their first appearance, captions of a photo
/// in their given order. `split`: only the photos that the file puts there; empty: all. COCO
/// captions need their list of images for the names. As read_caption_file; a photo without a
/// caption, an empty one and a second list of one photo are wrong entries, too, and an unknown
/// split is an error (the message lists those that there are). `left_out`: what was.
[[nodiscard]] Expected<std::vector<NamedReferences>> read_references(const std::string& file,
                                                                     const std::string& split = {},
                                                                     bool strict = false,
                                                                     LeftOut* left_out = nullptr);

using PhotoNames = std::unordered_set<std::string>;

/// A list of photos: one file name a line (a path is cut to its last part), blank lines skipped. An
/// empty list is invalid_config.
[[nodiscard]] Expected<PhotoNames> read_photo_list(const std::string& file);

/// What `--split SPLIT` means: the list of that file when there is such a file, else the photos
/// that `references_file` (Karpathy's form; may be empty: none) has in the split of that name.
/// `usage` when it is neither.
[[nodiscard]] Expected<PhotoNames> photos_of_split(const std::string& split,
                                                   const std::string& references_file);

}  // namespace photoscribe
