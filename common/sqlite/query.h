// query: one use of a cached prepared statement.
//
// Binds in order, reads columns by index, and resets the statement when it goes out of scope, so
// that no read transaction stays open behind it. Throws SQLite::Exception: only for use inside
// Database::read and write, which turn that into an Error.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace photoscribe::sqlite {

/// Bytes to be bound as a BLOB.
struct Blob {
  std::string_view bytes;
};

class Query {
 public:
  explicit Query(SQLite::Statement& statement) : statement_(statement) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() { statement_.tryReset(); }

  /// Binds all parameters, from the first. Text is copied.
  template <class... Values>
  Query& with(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }

  /// True while there is a row.
  bool step() { return statement_.executeStep(); }
  /// Runs a statement that returns no rows, and makes it ready to run again; the number of changed
  /// rows.
  int run();
  /// Makes it ready to run again with the values bound so far or new ones.
  void again() { statement_.reset(); }

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  /// Text or blob: its bytes.
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const;
  [[nodiscard]] std::optional<double> optional_real(int column) const;
  [[nodiscard]] std::optional<std::string> optional_text(int column) const;

 private:
  template <std::integral Number>
  void bind(int index, Number value) {
    statement_.bind(index, static_cast<std::int64_t>(value));
  }
  void bind(int index, double value) { statement_.bind(index, value); }
  void bind(int index, const std::string& text) { statement_.bind(index, text); }
  void bind(int index, const char* text) { statement_.bind(index, text); }
  void bind(int index, std::string_view text) { statement_.bind(index, std::string(text)); }
  void bind(int index, Blob blob);
  void bind(int index, std::nullopt_t) { statement_.bind(index); }
  template <class Value>
  void bind(int index, const std::optional<Value>& value) {
    if (value) {
      bind(index, *value);
    } else {
      statement_.bind(index);
    }
  }

  SQLite::Statement& statement_;
};

}  // namespace photoscribe::sqlite
