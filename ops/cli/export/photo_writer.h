// photo_writer: what an export writes for one photo: a sidecar, or words in the photo itself.
#pragma once

#include <memory>
#include <string>

#include "common/core/error.h"
#include "ops/cli/export/chosen_caption.h"
#include "ops/cli/export/file_changes.h"
#include "ops/cli/export/photo_place.h"
#include "scheduler/store/run_types.h"

namespace photoscribe::cli {

/// A photo with the words that are written of it.
struct CaptionedPhoto {
  const ResultRow& row;
  StoredFile file;
  ChosenCaption caption;
};

enum class WriteKind : std::uint8_t {
  fresh,      // a new file, or the photo's first words
  merged,     // into what was there
  unchanged,  // it says so already
  kept,       // somebody else's words are there
};

struct WriteOutcome {
  WriteKind kind = WriteKind::fresh;
  std::optional<FileChange> change;  // fresh and merged
  std::string target;                // what is, or would be, written
  bool kept_description = false;     // merged around a person's description
  /// The photo has the words and another size than its row: a killed export got no further.
  std::optional<RewrittenFile> to_note;
};

class PhotoWriter {
 public:
  virtual ~PhotoWriter() = default;
  /// Changes nothing. Fails with environment, and with bad_payload, whose message is the whole
  /// reason why this photo is left alone.
  [[nodiscard]] virtual Expected<WriteOutcome> plan(const CaptionedPhoto& photo) = 0;
};

struct WriterRules {
  SidecarPlace place;
  bool overwrite = false;
  std::string model_name;
  std::optional<AltTextStyle> alt;  // .txt: as an alternative text
};

[[nodiscard]] std::unique_ptr<PhotoWriter> xmp_sidecars(const WriterRules& rules);
[[nodiscard]] std::unique_ptr<PhotoWriter> text_sidecars(const WriterRules& rules);
[[nodiscard]] std::unique_ptr<PhotoWriter> xmp_in_place(const WriterRules& rules);
[[nodiscard]] std::unique_ptr<PhotoWriter> iptc_in_place(const WriterRules& rules);

// --- for those ---

/// The photo is there as its row has it: its caption is of these pixels. Fails with bad_payload.
[[nodiscard]] Status check_unchanged(const CaptionedPhoto& photo);
[[nodiscard]] std::string photo_file(const StoredFile& file);

}  // namespace photoscribe::cli
