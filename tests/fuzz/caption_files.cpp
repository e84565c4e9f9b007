// References, captions to be scored, and lists of photos, in every form.
#include "common/scores/caption_file.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  std::size_t letters = 0;
  static_cast<void>(read_caption_file(file.path(), [&letters](const FileCaption& one) {
    letters += one.id.size() + one.other_id.size() + one.caption.size() + one.split.size();
    return Status();
  }));
  static_cast<void>(read_references(file.path()));
  static_cast<void>(read_photo_list(file.path()));
  return 0;
}
