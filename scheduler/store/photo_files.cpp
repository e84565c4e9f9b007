// Photos' files, as exports that write beside or into them need them.
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {

Expected<std::optional<StoredFile>> Lookup::stored_file(std::int64_t image_id) {
  return impl_->db.read("look for a photo's file", [&] {
    auto row = impl_->db.query(
        "SELECT root.folder, image.path, image.size_bytes, image.mtime_ns FROM image "
        "JOIN root USING (root_id) WHERE image_id = ?");
    if (!row.with(image_id).step()) return std::optional<StoredFile>();
    return std::optional(StoredFile{row.text(0), row.text(1), row.integer(2), row.integer(3)});
  });
}

Status Manifest::note_rewritten(std::span<const RewrittenFile> files) {
  return impl_->db.write("note new sizes of photos", [&] {
    for (const RewrittenFile& one : files) {
      impl_->db
          .query(
              "UPDATE image SET size_bytes = ?, inode = ? WHERE root_id = "
              "(SELECT root_id FROM root WHERE folder = ?) AND path = ? AND size_bytes = ? "
              "AND mtime_ns = ?")
          .with(one.size_bytes, one.inode, sqlite::Blob{one.folder}, sqlite::Blob{one.path},
                one.size_before, one.mtime_ns)
          .run();
    }
  });
}

}  // namespace photoscribe
