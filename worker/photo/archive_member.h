// archive_member: the bytes of one member of an archive, read in place (design.md 6).
//
// The member is where the task says, or it is not read: the archive's own header there must have
// the task's name. Links, devices and members with a password or an unsafe name are refused. Opens
// nothing by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/archive/archive_failure.h"
#include "common/core/file_descriptor.h"
#include "worker/photo/packed_tars.h"

namespace photoscribe {

/// Memory for so many bytes; valid until it is asked again.
using MakeRoom = std::function<std::span<std::uint8_t>(std::size_t bytes)>;

struct MemberRequest {
  std::string_view name;  // of the row (member_name.h)
  std::int64_t offset = 0;
  std::int64_t bytes_max = 0;
  PackedTars& packed_tars;
  const std::function<void()>& on_progress;
};

/// The member's bytes, in what `room` gave. Reasons: those of an ArchiveFailure, unsafe_name,
/// not_a_file, encrypted, empty, too_large; missing: the archive has another member there.
[[nodiscard]] FromArchive<std::span<const std::uint8_t>> read_archive_member(
    FileDescriptor archive, const MemberRequest& request, const MakeRoom& room);

/// What a header must be for its member to be read. `otherwise`: what it is instead of a file.
[[nodiscard]] FromArchive<void> check_member(std::string_view name, std::string_view wanted,
                                             const std::string& otherwise, std::int64_t size_bytes,
                                             std::int64_t bytes_max);
[[nodiscard]] tl::unexpected<ArchiveFailure> member_moved();

}  // namespace photoscribe
