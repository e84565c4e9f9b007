// archive_captions: the captions of an archive that people edited (`photoscribe caption`), as
// references to train on. Private to models/train.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/scores/caption_file.h"

namespace photoscribe {

/// Whether its first bytes are those of a SQLite database.
[[nodiscard]] bool is_archive(const std::string& file);

/// One caption per photo: the latest edit, approvals included. Named by the path below its
/// root (if two roots have the same, by the whole path), with the root's folder. Can read during a
/// run. Fails with invalid_config if there are none, or the database is not photoscribe's or older
/// than edits.
[[nodiscard]] Expected<std::vector<NamedReferences>> read_archive(const std::string& file);

}  // namespace photoscribe
