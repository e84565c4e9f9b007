#include "tests/support/make_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <memory>
#include <stdexcept>

namespace photoscribe::test {
namespace {

using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;

void must(archive* writer, int result) {
  if (result < ARCHIVE_WARN) throw std::runtime_error(archive_error_string(writer));
}

void choose(archive* writer, MadeAs as) {
  const bool zip = as >= MadeAs::zip_stored;
  must(writer, zip ? archive_write_set_format_zip(writer)
                   : archive_write_set_format_pax_restricted(writer));
  const int filter = as == MadeAs::tar_gz    ? archive_write_add_filter_gzip(writer)
                     : as == MadeAs::tar_bz2 ? archive_write_add_filter_bzip2(writer)
                     : as == MadeAs::tar_xz  ? archive_write_add_filter_xz(writer)
                     : as == MadeAs::tar_zst ? archive_write_add_filter_zstd(writer)
                                             : archive_write_add_filter_none(writer);
  must(writer, filter);
  if (as == MadeAs::zip_stored) must(writer, archive_write_zip_set_compression_store(writer));
  if (as == MadeAs::zip_deflated) must(writer, archive_write_zip_set_compression_deflate(writer));
  if (as == MadeAs::zip_encrypted) {
    must(writer, archive_write_set_options(writer, "zip:encryption=zipcrypt"));
    must(writer, archive_write_set_passphrase(writer, "secret"));
  }
}

void add(archive* writer, const MadeMember& member) {
  using Kind = MadeMember::Kind;
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            archive_entry_free);
  archive_entry_set_pathname(entry.get(), member.name.c_str());
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), 1'600'000'000, 0);
  const unsigned kind = member.kind == Kind::folder ? AE_IFDIR
                        : member.kind == Kind::link ? AE_IFLNK
                        : member.kind == Kind::pipe ? AE_IFIFO
                                                    : AE_IFREG;
  archive_entry_set_filetype(entry.get(), kind);
  const bool plain = member.kind == Kind::file || member.kind == Kind::sparse;
  archive_entry_set_size(entry.get(),
                         plain ? static_cast<la_int64_t>(member.bytes.size()) + member.zeros : 0);
  if (member.kind == Kind::link) archive_entry_set_symlink(entry.get(), member.target.c_str());
  if (member.kind == Kind::hard_link)
    archive_entry_set_hardlink(entry.get(), member.target.c_str());
  if (member.kind == Kind::sparse)  // all but the last 512 bytes are written; those are a hole
    archive_entry_sparse_add_entry(entry.get(), 0,
                                   static_cast<la_int64_t>(member.bytes.size()) - 512);
  must(writer, archive_write_header(writer, entry.get()));
  if (plain && archive_write_data(writer, member.bytes.data(), member.bytes.size()) < 0)
    must(writer, ARCHIVE_FATAL);
  const std::string zeros(std::size_t{1} << 20, '\0');
  for (std::int64_t left = member.zeros; left > 0; left -= static_cast<std::int64_t>(zeros.size()))
    archive_write_data(writer, zeros.data(), zeros.size());
}

}  // namespace

void make_archive(const std::string& path, MadeAs as, const std::vector<MadeMember>& members) {
  static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  const locale_t before = uselocale(utf8);
  const Writer writer(archive_write_new(), archive_write_free);
  choose(writer.get(), as);
  must(writer.get(), archive_write_open_filename(writer.get(), path.c_str()));
  for (const MadeMember& member : members) add(writer.get(), member);
  must(writer.get(), archive_write_close(writer.get()));
  uselocale(before);
}

}  // namespace photoscribe::test
