#include "common/sqlite/query.h"

#include <SQLiteCpp/Column.h>

namespace photoscribe::sqlite {

int Query::run() {
  const int changed = statement_.exec();
  statement_.reset();
  return changed;
}

bool Query::is_null(int column) const { return statement_.getColumn(column).isNull(); }

std::int64_t Query::integer(int column) const { return statement_.getColumn(column).getInt64(); }

double Query::real(int column) const { return statement_.getColumn(column).getDouble(); }

std::string Query::text(int column) const {
  const SQLite::Column value = statement_.getColumn(column);
  const auto* bytes = static_cast<const char*>(value.getBlob());
  return bytes == nullptr ? std::string()
                          : std::string(bytes, static_cast<std::size_t>(value.getBytes()));
}

std::optional<std::int64_t> Query::optional_integer(int column) const {
  return is_null(column) ? std::nullopt : std::optional(integer(column));
}

std::optional<double> Query::optional_real(int column) const {
  return is_null(column) ? std::nullopt : std::optional(real(column));
}

std::optional<std::string> Query::optional_text(int column) const {
  return is_null(column) ? std::nullopt : std::optional(text(column));
}

void Query::bind(int index, Blob blob) {
  // A null pointer would bind NULL: an empty blob needs an address.
  statement_.bind(index, blob.bytes.empty() ? "" : blob.bytes.data(),
                  static_cast<int>(blob.bytes.size()));
}

}  // namespace photoscribe::sqlite
