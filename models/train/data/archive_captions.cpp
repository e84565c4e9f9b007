#include "models/train/data/archive_captions.h"

#include <fstream>
#include <map>

#include "common/sqlite/database.h"

namespace photoscribe {

bool is_archive(const std::string& file) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  std::string begin(kMagic.size(), ' ');
  std::ifstream in(file, std::ios::binary);
  return in.read(begin.data(), static_cast<std::streamsize>(begin.size())) && begin == kMagic;
}

Expected<std::vector<NamedReferences>> read_archive(const std::string& file) {
  auto db = sqlite::Database::open(file, sqlite::Mode::read_only);
  if (!db) return fail(Errc::invalid_config, db.error().message);
  return db->read("read edits", [&]() -> Expected<std::vector<NamedReferences>> {
    if (!db->handle().tableExists("caption_edit")) {
      return fail(Errc::invalid_config, file +
                                            ": has no edited captions; `photoscribe caption` "
                                            "of this version makes them");
    }
    std::vector<NamedReferences> photos;
    std::map<std::string, int> roots_with;  // a path
    auto row = db->query(
        "SELECT root.folder, made.path, made.caption FROM caption_edit AS made "
        "JOIN root USING (root_id) WHERE made.caption IS NOT NULL AND made.edit_id = "
        "(SELECT max(edit_id) FROM caption_edit AS last WHERE last.root_id = made.root_id "
        "AND last.path = made.path) ORDER BY made.root_id, made.path");
    while (row.step()) {
      NamedReferences one;
      one.folder = row.text(0);
      one.file_name = row.text(1);
      one.captions.push_back(row.text(2));
      ++roots_with[one.file_name];
      photos.push_back(std::move(one));
    }
    if (photos.empty()) return fail(Errc::invalid_config, file + ": nobody edited a caption in it");
    for (NamedReferences& one : photos) {
      if (roots_with[one.file_name] == 1) continue;
      one.file_name = one.folder + (one.folder.ends_with('/') ? "" : "/") + one.file_name;
      one.folder.clear();
    }
    return photos;
  });
}

}  // namespace photoscribe
