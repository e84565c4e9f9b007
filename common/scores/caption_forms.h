// caption_forms: one reader per form of caption file. Private to common/scores.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/scores/block_reader.h"
#include "common/scores/caption_batch.h"
#include "common/scores/caption_file.h"

namespace photoscribe {

/// Which caption numbers a photo has had: a bit each for the first 64, the rest listed.
struct SeenNumbers {
  std::uint64_t low = 0;
  std::vector<int> high;
  /// False when it was there.
  bool insert(int number);
};

/// What a reader works on. `facts` are filled as it goes.
struct CaptionSource {
  CaptionSource(const std::string& name, BlockReader& bytes, const TakeCaption& taker, bool refuses,
                CaptionForm form)
      : file(name), reader(bytes), take(taker), strict(refuses) {
    facts.form = form;
  }

  const std::string& file;  // for messages
  BlockReader& reader;
  const TakeCaption& take;
  const bool strict;
  CaptionFileFacts facts;
  std::int64_t line = 0;  // that is being read; 0: a JSON text as a whole, and then
  std::int64_t item = 0;  // which of its records
  /// Where there is one, captions and faults go there, in order, to be handed on later. `full` is
  /// called when it is, and may put another in its place.
  CaptionBatch* batch = nullptr;
  std::function<Status()> full{};

  /// Checks that a caption is text, trims it and hands it on.
  Status give(FileCaption caption);
  /// This line or item is wrong: an error if `strict`.
  Status leave_out(const std::string& why);
  /// A photo is listed without a caption.
  void without_caption() { ++(batch != nullptr ? batch->without_caption : facts.without_caption); }
  /// Hands on what a batch was told. Its lines are counted from `line` on.
  Status hand_on(CaptionBatch& told);
  /// An error of the file at this line.
  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& why) const;

 private:
  Status hand_on(const FileCaption& caption, bool is_utf8);
  [[nodiscard]] Status told();
  [[nodiscard]] std::string where() const;

  TokenTable names_;               // of photos whose captions have numbers
  std::vector<SeenNumbers> seen_;  // by name
};

/// The bytes of a text in which %XX stands for a byte, as in the `uri` of an export.
[[nodiscard]] std::string percent_decoded(std::string_view text);

Status read_flickr_tokens(CaptionSource& source);
Status read_csv(CaptionSource& source);
Status read_json_lines(CaptionSource& source);
Status read_json_array(CaptionSource& source);
/// COCO captions and Karpathy's files: sets facts.form to which of them it is.
Status read_json_document(CaptionSource& source);

}  // namespace photoscribe
