// human_numbers: counts, durations, sizes and rates as a person reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace photoscribe {

/// 3.14159, 2 → "3.14"
[[nodiscard]] std::string fixed(double value, int digits);

/// 0.5 → "0.5", 100 → "100": so many digits that count at most.
[[nodiscard]] std::string plain(double value, int digits = 6);

/// 1234567 → "1,234,567"
[[nodiscard]] std::string grouped(std::int64_t number);

/// 8.4 → "8.4 s", 192 → "3 min 12 s", 3720 → "1 h 02 min", 200000 → "2 d 07 h"
[[nodiscard]] std::string duration_text(double seconds);

/// 412000000 → "412 MB" (powers of 1000)
[[nodiscard]] std::string bytes_text(std::int64_t bytes);

/// 0.123 → "0.12", 8.43 → "8.4", 85.23 → "85", 1234.5 → "1,235"
[[nodiscard]] std::string rate_text(double per_second);

/// 1, "photo" → "1 photo"; 7, "photo" → "7 photos"
[[nodiscard]] std::string counted(std::int64_t number, std::string_view noun);

/// 1795410604000 → "2026-11-23 05:10:04" where local time is UTC
[[nodiscard]] std::string time_text(std::int64_t unix_ms);

}  // namespace photoscribe
