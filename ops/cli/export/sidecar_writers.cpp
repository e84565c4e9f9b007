// Sidecars: XMP, merged into what is there; plain text, which cannot be merged.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "common/metadata/container.h"
#include "common/metadata/iptc.h"
#include "common/metadata/xmp.h"
#include "common/text/utf8.h"
#include "ops/cli/export/photo_texts.h"
#include "ops/cli/export/photo_writer.h"

namespace photoscribe::cli {
namespace {

constexpr std::int64_t kSidecarMax = 64 << 20;

struct ExistingSidecar {
  OpenedFile opened;
  std::string bytes;
};

/// None if there is none.
Expected<std::optional<ExistingSidecar>> existing(const std::string& target) {
  struct stat there {};
  if (::lstat(target.c_str(), &there) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return cannot_change("its sidecar", errno);
  }
  Expected<OpenedFile> opened = open_to_change(target);
  if (!opened) return fail(opened.error().code, "its sidecar: " + opened.error().message);
  if (opened->was.st_size > kSidecarMax)
    return fail(Errc::bad_payload, "its sidecar is larger than 64 MiB");
  const auto size = static_cast<std::size_t>(opened->was.st_size);
  metadata::FileBytes file(opened->descriptor.get(), size);
  ExistingSidecar found{std::move(*opened), {}};
  if (!file.read(0, size, found.bytes)) return cannot_change("its sidecar", errno);
  return found;
}

/// Replaces the whole file: a sidecar is small.
FileChange whole_change(const CaptionedPhoto& photo, const std::string& target,
                        std::optional<ExistingSidecar>& old, std::string text) {
  FileChange change;
  change.target = target;
  change.edits = {{0, old ? old->bytes.size() : 0, std::move(text)}};
  change.folder = photo.file.folder;
  change.path = photo.file.path;
  if (old) change.old = std::move(old->opened);
  return change;
}

class XmpSidecars : public PhotoWriter {
 public:
  explicit XmpSidecars(const WriterRules& rules) : rules_(rules) {}
  Expected<WriteOutcome> plan(const CaptionedPhoto& photo) override;

 private:
  WriterRules rules_;
};

Expected<WriteOutcome> XmpSidecars::plan(const CaptionedPhoto& photo) {
  const SidecarPlace& place = rules_.place;
  if (place.into.empty()) {
    if (Status same = check_unchanged(photo); !same) return fail(same.error());
  }
  const auto target = sidecar_of(place, photo.row.root, photo.file.folder, photo.file.path);
  if (!target) return fail(target.error());
  auto old = existing(*target);
  if (!old) return fail(old.error());
  const metadata::CaptionFields fields = fields_of(photo, rules_.model_name);
  metadata::MergeRules merge{rules_.overwrite, false, false,
                             place.style == SidecarStyle::lightroom};
  if (!rules_.overwrite) {  // a sidecar would hide the photo's own metadata
    const HumanText human = find_human_text(photo_file(photo.file));
    merge.described_elsewhere = human.description;
    merge.alt_text_elsewhere = human.alt_text;
  }
  auto merged = metadata::merge_caption(*old ? (*old)->bytes : "", fields, merge);
  if (!merged) return fail(merged.error());
  WriteOutcome outcome;
  outcome.target = *target;
  const bool described = merged->description == metadata::Fate::written;
  const bool kept = !described && merged->alt_text == metadata::Fate::kept;
  outcome.kept_description = !described && !kept;
  if (!merged->changed) {
    outcome.kind = kept ? WriteKind::kept : WriteKind::unchanged;
    return outcome;
  }
  outcome.kind = *old ? WriteKind::merged : WriteKind::fresh;
  outcome.change = whole_change(photo, *target, *old, std::move(merged->packet));
  return outcome;
}

class TextSidecars : public PhotoWriter {
 public:
  explicit TextSidecars(const WriterRules& rules) : rules_(rules) {}
  Expected<WriteOutcome> plan(const CaptionedPhoto& photo) override;

 private:
  WriterRules rules_;
};

Expected<WriteOutcome> TextSidecars::plan(const CaptionedPhoto& photo) {
  if (rules_.place.into.empty()) {
    if (Status same = check_unchanged(photo); !same) return fail(same.error());
  }
  const auto target = sidecar_of(rules_.place, photo.row.root, photo.file.folder, photo.file.path);
  if (!target) return fail(target.error());
  auto old = existing(*target);
  if (!old) return fail(old.error());
  std::string text =
      rules_.alt ? alt_text(photo.caption.text, *rules_.alt) : replaced(photo.caption.text);
  text += '\n';
  WriteOutcome outcome;
  outcome.target = *target;
  if (*old && (*old)->bytes == text) {
    outcome.kind = WriteKind::unchanged;
  } else if (*old && !(*old)->bytes.empty() && !rules_.overwrite) {
    outcome.kind = WriteKind::kept;
  } else {
    outcome.kind = *old ? WriteKind::merged : WriteKind::fresh;
    outcome.change = whole_change(photo, *target, *old, std::move(text));
  }
  return outcome;
}

}  // namespace

std::unique_ptr<PhotoWriter> xmp_sidecars(const WriterRules& rules) {
  return std::make_unique<XmpSidecars>(rules);
}
std::unique_ptr<PhotoWriter> text_sidecars(const WriterRules& rules) {
  return std::make_unique<TextSidecars>(rules);
}

}  // namespace photoscribe::cli
