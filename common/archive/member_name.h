// member_name: the names of an archive's members, as raw bytes, and what rows call them.
//
// A row's path is the archive's path, `!`, and the member's name without `./` in front; a second
// member of the same name has `#2` behind it, the next `#3`.
#pragma once

#include <string>
#include <string_view>

namespace photoscribe {

/// Without `./` in front.
[[nodiscard]] std::string_view plain_name(std::string_view name) noexcept;

/// True for names that would lead out of a folder into which the archive is unpacked (absolute,
/// with a drive's letter, or with a part `..`), and for those that no file can have (empty, with
/// NUL).
[[nodiscard]] bool is_unsafe_name(std::string_view name) noexcept;

/// True when a part of it is hidden or a system's own, as walks of folders leave out: `.x`,
/// `@eaDir`, `__MACOSX`.
[[nodiscard]] bool is_hidden_name(std::string_view name) noexcept;

/// Whether a row's member `wanted` is a member of this name: itself, or with a number behind it.
[[nodiscard]] bool is_member_named(std::string_view wanted, std::string_view name) noexcept;

/// Without the number of a name that is there more than once.
[[nodiscard]] std::string_view without_number(std::string_view wanted) noexcept;

}  // namespace photoscribe
