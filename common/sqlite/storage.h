// storage: whether the place of a database can be trusted with one.
//
// SQLite's WAL needs shared memory and locks that work: network and FUSE file systems promise
// neither, and break databases silently. So they are refused before anything is opened.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "common/text/escape.h"

namespace photoscribe::sqlite {

/// The name of a file system on which a database is refused ("NFS", "SMB", "FUSE" …), by statfs's
/// f_type; none for all others.
[[nodiscard]] std::optional<std::string_view> unsafe_file_system(long f_type) noexcept;

/// Looks at the folder that holds (or will hold) the database. Fails with store_failure, with
/// advice, on such a file system or when the folder does not exist.
[[nodiscard]] Status check_storage(const std::string& database);

/// The path made absolute, so that SQLite cannot take it for a URI or for ":memory:".
[[nodiscard]] std::string absolute_path(const std::string& path);

/// `bytes` as a person may read them: what is not UTF-8 as %XX. A copy of the bytes where all is
/// well.
[[nodiscard]] inline std::string text_of(std::string_view bytes) { return percent_escaped(bytes); }

}  // namespace photoscribe::sqlite
