// photo_writer: what an export writes for one photo: a sidecar, or metadata in the photo itself.
#pragma once

#include <memory>
#include <string>

#include "common/core/error.h"
#include "ops/cli/export/chosen_caption.h"
#include "ops/cli/export/file_changes.h"
#include "ops/cli/export/photo_place.h"
#include "scheduler/store/run_types.h"

namespace photoscribe::cli {

/// A photo with the caption to write.
struct CaptionedPhoto {
  const ResultRow& row;
  StoredFile file;
  ChosenCaption caption;
};

enum class WriteKind : std::uint8_t {
  fresh,      // a new file, or the photo's first metadata
  merged,     // into what was there
  unchanged,  // it has this caption already
  kept,       // it has somebody else's text
};

struct WriteOutcome {
  WriteKind kind = WriteKind::fresh;
  std::optional<FileChange> change;  // if fresh or merged
  std::string target;                // the file that is, or would be, written
  bool kept_description = false;     // merged around a person's description
  /// The photo has the caption and not the size in its row: an export was killed before noting it.
  std::optional<RewrittenFile> to_note;
};

class PhotoWriter {
 public:
  virtual ~PhotoWriter() = default;
  /// What would be written; changes nothing. Fails with environment, and with bad_payload, whose
  /// message is the whole reason why this photo is left alone.
  [[nodiscard]] virtual Expected<WriteOutcome> plan(const CaptionedPhoto& photo) = 0;
};

struct WriterRules {
  SidecarPlace place;
  bool overwrite = false;
  std::string model_name;
  std::optional<AltTextStyle> alt;  // .txt: write an alternative text
};

[[nodiscard]] std::unique_ptr<PhotoWriter> xmp_sidecars(const WriterRules& rules);
[[nodiscard]] std::unique_ptr<PhotoWriter> text_sidecars(const WriterRules& rules);
[[nodiscard]] std::unique_ptr<PhotoWriter> xmp_in_place(const WriterRules& rules);
[[nodiscard]] std::unique_ptr<PhotoWriter> iptc_in_place(const WriterRules& rules);

// --- for the writers ---

/// Fails with bad_payload unless the photo's file is as in its row, so that the caption fits it.
[[nodiscard]] Status check_unchanged(const CaptionedPhoto& photo);
[[nodiscard]] std::string photo_file(const StoredFile& file);

}  // namespace photoscribe::cli
