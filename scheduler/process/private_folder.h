// private_folder: the folder in which a scheduler keeps its notes, logs and control socket, and
// files in it that nobody else can have made.
//
// Who may write into that folder decides what is killed and what is written through, so it belongs
// to the user of this process, is 0700, and each file in it is looked at through its descriptor
// when it is opened: a regular file of this user with one name. What somebody else put there is
// refused, never followed.
#pragma once

#include <string>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"

namespace photoscribe {

/// Makes `folder` (0700, the folders above it as usual) or looks at the one that is there: takes
/// the rights of others away from a folder of this user. Fails with environment, saying what to do,
/// where it belongs to somebody else, is no folder, cannot be written, or lies on a file system
/// that leaves others their rights. `setting`: what names another folder, for that advice.
[[nodiscard]] Status make_private_folder(
    const std::string& folder,
    const std::string& setting = "state_folder in a file of settings or PHOTOSCRIBE_STATE_FOLDER");

/// A file that only this user can have made, 0600 when it is new. `flags` as for
/// open(2), without O_CREAT it must exist. Fails with environment, naming the file.
[[nodiscard]] Expected<FileDescriptor> open_private_file(const std::string& path, int flags);

/// What such a file holds, 64 KiB at most; empty where there is none, or one that is not ours.
[[nodiscard]] std::string read_private_file(const std::string& path);

/// Makes such a file anew, or appends to it. Fails with environment.
[[nodiscard]] Status write_private_file(const std::string& path, const std::string& text);
[[nodiscard]] Status append_private_file(const std::string& path, const std::string& text);

/// Whether the process at the other end of a unix socket runs as this user (or as root, who can do
/// anything anyway).
[[nodiscard]] bool peer_is_ours(int socket);

}  // namespace photoscribe
