// tar_writer: members of a tar archive (POSIX.1-1988, "ustar") with short names, one at a time. The
// same members give the same bytes: no times, no owners.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace photoscribe::cli {

inline constexpr std::int64_t kTarMemberMax = (std::int64_t{1} << 33) - 1;  // eleven octal digits

/// `name` has at most 100 bytes.
[[nodiscard]] std::string tar_header(std::string_view name, std::int64_t size);
/// To be written after a member's bytes.
[[nodiscard]] std::string tar_padding(std::int64_t size);
/// To be written after the last member.
[[nodiscard]] std::string tar_end();

}  // namespace photoscribe::cli
