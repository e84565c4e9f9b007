// archive_captions: what people made of the captions of an archive (`photoscribe caption`), as
// references to train with. Private to models/train.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/scores/caption_file.h"

namespace photoscribe {

/// By its first bytes: a SQLite database.
[[nodiscard]] bool is_archive(const std::string& file);

/// One caption a photo: the edit that holds, an approved one, too. Named by the path below its root
/// (where two roots have the same, by the whole path), with the root's folder. Reads beside a run.
/// Fails with invalid_config where there are none, or the database is not photoscribe's or older
/// than edits.
[[nodiscard]] Expected<std::vector<NamedReferences>> read_archive(const std::string& file);

}  // namespace photoscribe
