#include "ops/cli/export/photo_texts.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/metadata/iptc.h"
#include "common/text/utf8.h"

namespace photoscribe::cli {

metadata::CaptionFields fields_of(const CaptionedPhoto& photo, const std::string& model_name) {
  metadata::CaptionFields fields;
  fields.caption = replaced(photo.caption.text);
  fields.photo = replaced(photo.file.path.substr(photo.file.path.rfind('/') + 1));
  fields.edited = photo.caption.edited;
  if (fields.edited) return fields;
  fields.model = model_name + (model_name.empty() ? "" : " ") + photo.row.model.substr(0, 12);
  if (photo.caption.confidence)
    fields.confidence = fmt::format("{:.4f}", *photo.caption.confidence);
  return fields;
}

HumanText find_human_text(const metadata::FileMetadata& found) {
  HumanText human;
  human.description = !found.descriptions.empty();
  if (found.iptc) {
    const metadata::IptcText text = metadata::read_iptc(found.iptc->bytes);
    human.description = human.description || (!text.caption.empty() && !text.ours);
  }
  if (found.xmp) {
    const auto texts = metadata::read_xmp(found.xmp->bytes);
    human.description = human.description || (texts && texts->described_by_others());
    human.alt_text = texts && texts->alt_text_by_others();
  }
  return human;
}

HumanText find_human_text(const std::string& photo) {
  const FileDescriptor descriptor(
      ::open(photo.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat there {};
  if (!descriptor.valid() || ::fstat(descriptor.get(), &there) != 0 || !S_ISREG(there.st_mode))
    return {};
  metadata::FileBytes file(descriptor.get(), static_cast<std::uint64_t>(there.st_size));
  const auto found = metadata::read_metadata(file);
  return found ? find_human_text(*found) : HumanText{};
}

}  // namespace photoscribe::cli
