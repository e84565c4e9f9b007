// What a scan found, against its rows: one photo or archive, and many photos that are new.
#include "scheduler/store/scan_impl.h"

namespace photoscribe {
namespace {

std::string insert_of_many() {
  std::string sql = PHOTOSCRIBE_INSERT_IMAGES PHOTOSCRIBE_IMAGE_VALUES;
  for (std::size_t i = 1; i < kInsertedAtOnce; ++i) sql += ", " PHOTOSCRIBE_IMAGE_VALUES;
  return sql + " ON CONFLICT DO NOTHING";
}

}  // namespace

void Scan::Impl::compare(const ImageRow& row, const FoundFile& file, CountChanges& changes) {
  if (!mark_seen(row.image_id)) {
    if (columns.add(row.image_id, file.kept) > 0) search_again(row.image_id);
    ++counts.repeated;
    return;
  }
  if (columns.keep(row.image_id, file.kept) > 0) search_again(row.image_id);
  if (!file.exists) return named_but_gone(row, changes);
  compare_content(row, file, changes);
}

void Scan::Impl::compare_content(const ImageRow& row, const FoundFile& file,
                                 CountChanges& changes) {
  const auto now_asked = [&](std::string_view state, std::string_view reason) {
    changes.add(row.asked, row.state, row.reason, -1);
    changes.add(true, state, reason, +1);
    if (row.vanished) changes.add(false, "vanished", "", -1);
  };
  // Which links may be followed is decided by each scan, and this one may.
  const bool was_out = row.state == "failed" && row.reason == to_string(Reason::outside_root);
  const bool changed = was_out || row.size_bytes != file.size_bytes ||
                       row.mtime_ns != file.mtime_ns || row.member != file.member;
  if (changed || stale.redo.contains(row.settings_id)) {
    store.db
        .query(
            "UPDATE image SET attempt = attempt + 1, content_attempt = attempt + 1, state = "
            "'pending', "
            "unsure = 0, reason = NULL, asked = 1, vanished = 0, size_bytes = ?, mtime_ns = ?, "
            "inode = ?, "
            "queue_seq = ?, settings_id = ?, member_offset = ?, archive_bytes = ? "
            "WHERE image_id = ?")
        .with(file.size_bytes, file.mtime_ns, file.inode, ++queue_end, stale.now,
              offset_of(file.member), archive_bytes_of(file.member), row.image_id)
        .run();
    now_asked("pending", "");
    ++(changed ? counts.changed : counts.redone);
    return;
  }
  ++counts.unchanged;
  if (row.asked) return;
  // Its task was dropped, or never enqueued: before the cursor it would never be enqueued (H5).
  const std::int64_t queue_seq =
      row.state == "pending" && row.queue_seq <= cursor ? ++queue_end : row.queue_seq;
  store.db
      .query(
          "UPDATE image SET asked = 1, vanished = 0, inode = ?, queue_seq = ? WHERE image_id = ?")
      .with(file.inode, queue_seq, row.image_id)
      .run();
  now_asked(row.state, row.reason);
  ++counts.returned;
}

/// A result outlives its photo, also where a list goes on naming it; else the worker says why.
void Scan::Impl::named_but_gone(const ImageRow& row, CountChanges& changes) {
  // No file has a member's path, which says nothing about its archive.
  if (!row.member && row.state != "pending" && row.state != "failed")
    return unseen(row, true, changes);
  FoundFile as_before;
  as_before.member = row.member;
  as_before.size_bytes = row.size_bytes;
  as_before.mtime_ns = row.mtime_ns;
  as_before.inode = row.inode;
  compare_content(row, as_before, changes);
}

void Scan::Impl::add_all(std::span<const FoundFile> files, CountChanges& changes) {
  while (!files.empty()) {
    const auto group = files.first(std::min(kInsertedAtOnce, files.size()));
    const bool are_new =
        !had_images && group.size() == kInsertedAtOnce &&
        std::none_of(group.begin(), group.end(), [](const FoundFile& one) { return one.archive; });
    if (are_new) {
      insert_many(group, changes);
    } else {
      for (const FoundFile& file : group) add_one(file, changes);
    }
    files = files.subspan(group.size());
  }
}

// One statement: its start costs as much as a row.
void Scan::Impl::insert_many(std::span<const FoundFile> files, CountChanges& changes) {
  if (!many) many.emplace(store.db.handle(), insert_of_many());
  sqlite::Query query(*many);
  int at = 0;
  const auto bind = [&](const auto& optional) {
    optional ? many->bind(++at, *optional) : many->bind(++at);
  };
  for (const FoundFile& file : files) {
    many->bind(++at, run);
    many->bind(++at, root_ids.at(static_cast<std::size_t>(file.root)));
    many->bindNoCopy(++at, static_cast<const void*>(file.path.data()),
                     static_cast<int>(file.path.size()));
    bind(text_of_path(file));
    many->bind(++at, file.size_bytes);
    many->bind(++at, file.mtime_ns);
    many->bind(++at, file.inode);
    many->bind(++at, ++queue_end);
    many->bind(++at, stale.now);
    bind(offset_of(file.member));
    bind(archive_bytes_of(file.member));
  }
  const int added = query.run();
  // Rows of one statement have ids one after the other.
  const std::int64_t first_new = store.db.handle().getLastInsertRowid() - added + 1;
  counts.added += added;
  changes.add(true, "pending", "", added);
  if (static_cast<std::size_t>(added) == files.size()) {
    for (std::size_t i = 0; i < files.size(); ++i)
      took(first_new + static_cast<std::int64_t>(i), files[i]);
    return;
  }
  for (const FoundFile& file : files) {  // some have a row already, or are named twice
    const auto row = find(root_ids.at(static_cast<std::size_t>(file.root)), file.path);
    if (row && added > 0 && row->image_id >= first_new && !is_seen(row->image_id)) {
      took(row->image_id, file);
    } else if (row) {
      compare(*row, file, changes);
      keep_reference(row->image_id, file);
    }
  }
}

void Scan::Impl::add_one(const FoundFile& file, CountChanges& changes) {
  if (file.archive) return add_archive(file, changes);
  const std::int64_t root_id = root_ids.at(static_cast<std::size_t>(file.root));
  if (had_images) {
    if (const auto row = find(root_id, file.path)) {
      compare(*row, file, changes);
      return keep_reference(row->image_id, file);
    }
  }
  if (const auto image_id = insert(root_id, file)) {
    ++counts.added;
    changes.add(true, "pending", "", +1);
    took(*image_id, file);
  } else if (const auto row = find(root_id, file.path)) {
    compare(*row, file, changes);
    keep_reference(row->image_id, file);
  }
}

void Scan::Impl::keep_reference(std::int64_t image_id, const FoundFile& file) {
  if (!file.reference.empty() &&
      store.references(image_id) != std::vector<std::string>{file.reference}) {
    store.set_references(image_id, {file.reference});
    has_references = true;
  }
}

/// An archive that was walked, or whose rows stand for it since it is unchanged.
void Scan::Impl::add_archive(const FoundFile& archive, CountChanges& changes) {
  const std::int64_t root_id = root_ids.at(static_cast<std::size_t>(archive.root));
  if (!archive.archive->again) {
    store.db.query("INSERT OR REPLACE INTO walked_archive VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .with(run, root_id, sqlite::Blob{archive.path}, archive.size_bytes, archive.mtime_ns,
              archive.inode, archive.archive->options, archive.archive->photos,
              archive.archive->damage)
        .run();
    return;
  }
  std::vector<std::pair<ImageRow, FoundFile>> members;
  {
    // Paths of members lie between "archive!" and "archive\"", the next byte.
    auto row = store.db.query(
        PHOTOSCRIBE_IMAGE_ROWS
        "WHERE root_id = ?1 AND path >= ?2 AND path < ?3 AND run_id = ?4 AND archive_bytes = ?5 "
        "ORDER BY image_id");
    row.with(root_id, sqlite::Blob{archive.path + "!"}, sqlite::Blob{archive.path + "\""}, run,
             archive.path.size());
    while (row.step()) {
      const ImageRow image = image_row(row);
      // Another archive's mtime: of a member that an earlier scan found and the last one did not.
      if (image.mtime_ns != archive.mtime_ns) continue;
      FoundFile file;
      file.size_bytes = image.size_bytes;
      file.mtime_ns = archive.mtime_ns;
      file.inode = archive.inode;
      file.member = image.member;
      members.emplace_back(std::move(image), std::move(file));
    }
  }
  for (const auto& [row, file] : members) compare(row, file, changes);
}

void Scan::Impl::unseen(const ImageRow& row, bool vanished, CountChanges& changes) {
  if (row.state != "pending" && stale.other.contains(row.settings_id)) ++counts.left_as_they_were;
  if (!vanished) {
    ++counts.not_asked;
    if (!row.asked) return;
  } else if (row.vanished) {
    return;
  } else {
    ++counts.vanished;
    changes.add(false, "vanished", "", +1);
  }
  store.db.query("UPDATE image SET asked = 0, vanished = ? WHERE image_id = ?")
      .with(vanished || row.vanished, row.image_id)
      .run();
  if (row.asked) {
    changes.add(true, row.state, row.reason, -1);
    changes.add(false, row.state, row.reason, +1);
  }
}

}  // namespace photoscribe
