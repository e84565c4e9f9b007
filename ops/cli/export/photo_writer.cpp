#include "ops/cli/export/photo_writer.h"

#include <sys/stat.h>

namespace photoscribe::cli {

std::string photo_file(const StoredFile& file) {
  return file.folder + (file.folder.ends_with("/") ? "" : "/") + file.path;
}

Status check_unchanged(const CaptionedPhoto& photo) {
  const StoredFile& file = photo.file;
  if (!is_local(file.folder))
    return fail(Errc::bad_payload, "it is not on this machine: --into FOLDER");
  struct stat now {};
  if (::stat(photo_file(file).c_str(), &now) != 0) {
    const int error = errno;
    if (is_in_archive(file.folder, file.path))
      return fail(Errc::bad_payload, "it is in an archive: --into FOLDER");
    return cannot_change("", error);
  }
  const std::int64_t mtime_ns =
      std::int64_t{now.st_mtim.tv_sec} * 1'000'000'000 + now.st_mtim.tv_nsec;
  if (now.st_size != file.size_bytes || mtime_ns != file.mtime_ns)
    return fail(Errc::bad_payload, "it has changed since it was captioned: run again first");
  return {};
}

}  // namespace photoscribe::cli
