// Captions written into the photo itself: XMP into JPEG, PNG, WebP and TIFF, IPTC into JPEG.
#include <sys/stat.h>

#include "common/metadata/container.h"
#include "common/metadata/iptc.h"
#include "common/metadata/xmp.h"
#include "ops/cli/export/photo_texts.h"
#include "ops/cli/export/photo_writer.h"

namespace photoscribe::cli {
namespace {

/// How one photo's metadata is to be changed.
struct MetadataUpdate {
  std::optional<metadata::Edits> edits;  // none: nothing
  bool kept = false;                     // a person's text is there
  bool kept_description = false;
  bool had_some = false;
};

class InPlace : public PhotoWriter {
 public:
  explicit InPlace(const WriterRules& rules) : rules_(rules) {}
  Expected<WriteOutcome> plan(const CaptionedPhoto& photo) final;

 protected:
  [[nodiscard]] virtual Expected<MetadataUpdate> make_update(metadata::ByteSource& file,
                                                             const metadata::FileMetadata& found,
                                                             const CaptionedPhoto& photo) const = 0;
  WriterRules rules_;
};

std::int64_t mtime_ns_of(const struct stat& file) {
  return std::int64_t{file.st_mtim.tv_sec} * 1'000'000'000 + file.st_mtim.tv_nsec;
}

RewrittenFile rewritten(const StoredFile& file, const struct stat& now) {
  return {file.folder,   file.path,   file.size_bytes,
          file.mtime_ns, now.st_size, static_cast<std::int64_t>(now.st_ino)};
}

Expected<WriteOutcome> InPlace::plan(const CaptionedPhoto& photo) {
  if (photo.row.preview) return fail(Errc::bad_payload, "a camera's RAW file is not written to");
  WriteOutcome outcome;
  outcome.target = photo_file(photo.file);
  const Status same = check_unchanged(photo);
  Expected<OpenedFile> opened = open_to_change(outcome.target);
  if (!opened) return fail(same ? opened.error() : same.error());
  // A killed export may have changed the size, never the time: then it has our caption already.
  const bool maybe_ours = !same && mtime_ns_of(opened->was) == photo.file.mtime_ns;
  if (!same && !maybe_ours) return fail(same.error());
  metadata::FileBytes file(opened->descriptor.get(),
                           static_cast<std::uint64_t>(opened->was.st_size));
  const auto found = metadata::read_metadata(file);
  if (!found) return fail(found.error());
  const auto update = make_update(file, *found, photo);
  if (!update) return fail(update.error());
  outcome.kept_description = update->kept_description;
  if (!update->edits) {
    outcome.kind = update->kept ? WriteKind::kept : WriteKind::unchanged;
    if (!same && update->kept) return fail(same.error());
    if (!same) outcome.to_note = rewritten(photo.file, opened->was);
    return outcome;
  }
  if (!same) return fail(same.error());
  outcome.kind = update->had_some ? WriteKind::merged : WriteKind::fresh;
  FileChange change;
  change.target = outcome.target;
  change.edits = *update->edits;
  change.keep_times = true;
  change.folder = photo.file.folder;
  change.path = photo.file.path;
  change.old = std::move(*opened);
  outcome.change = std::move(change);
  return outcome;
}

class XmpInPlace : public InPlace {
 public:
  using InPlace::InPlace;

 protected:
  Expected<MetadataUpdate> make_update(metadata::ByteSource& file,
                                       const metadata::FileMetadata& found,
                                       const CaptionedPhoto& photo) const override {
    metadata::FileMetadata elsewhere = found;
    elsewhere.xmp.reset();
    const metadata::MergeRules rules{rules_.overwrite, find_human_text(elsewhere).description,
                                     false, false};
    const auto merged = metadata::merge_caption(found.xmp ? found.xmp->bytes : "",
                                                fields_of(photo, rules_.model_name), rules);
    if (!merged) return fail(merged.error());
    MetadataUpdate update;
    update.had_some = found.xmp.has_value();
    const bool described = merged->description == metadata::Fate::written;
    update.kept = !described && merged->alt_text == metadata::Fate::kept;
    update.kept_description = !described && !update.kept;
    if (!merged->changed) return update;
    auto edits = metadata::with_xmp(file, found, merged->packet);
    if (!edits) return fail(edits.error());
    update.edits = std::move(*edits);
    return update;
  }
};

class IptcInPlace : public InPlace {
 public:
  using InPlace::InPlace;

 protected:
  Expected<MetadataUpdate> make_update(metadata::ByteSource& /*file*/,
                                       const metadata::FileMetadata& found,
                                       const CaptionedPhoto& photo) const override {
    metadata::FileMetadata elsewhere = found;
    elsewhere.iptc.reset();
    const metadata::MergeRules rules{rules_.overwrite, find_human_text(elsewhere).description,
                                     false, false};
    const auto merged =
        metadata::merge_iptc(found.iptc ? found.iptc->bytes : "", photo.caption.text, rules);
    if (!merged) return fail(merged.error());
    MetadataUpdate update;
    update.had_some = found.iptc.has_value();
    update.kept = merged->caption == metadata::Fate::kept;
    if (!merged->changed) return update;
    auto edits = metadata::with_resources(found, merged->resources);
    if (!edits) return fail(edits.error());
    update.edits = std::move(*edits);
    return update;
  }
};

}  // namespace

std::unique_ptr<PhotoWriter> xmp_in_place(const WriterRules& rules) {
  return std::make_unique<XmpInPlace>(rules);
}
std::unique_ptr<PhotoWriter> iptc_in_place(const WriterRules& rules) {
  return std::make_unique<IptcInPlace>(rules);
}

}  // namespace photoscribe::cli
