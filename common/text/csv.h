// csv: one record of a CSV file into its fields (RFC 4180). Reads no file.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace photoscribe {

/// Splits `record` at `separator`. A field in double quotes may hold anything, a quote as two; when
/// the record ends inside one, `more` appends the next line to it (with the line end between) or
/// says false. False when a quote is never closed.
[[nodiscard]] bool split_csv_record(std::string& record, char separator,
                                    std::vector<std::string>& fields,
                                    const std::function<bool(std::string&)>& more);

}  // namespace photoscribe
