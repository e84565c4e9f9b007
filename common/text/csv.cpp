#include "common/text/csv.h"

namespace photoscribe {

bool split_csv_record(std::string& record, char separator, std::vector<std::string>& fields,
                      const std::function<bool(std::string&)>& more) {
  fields.assign(1, {});
  std::size_t at = 0;
  bool quoted = false;
  for (;;) {
    if (at == record.size()) {
      if (!quoted) return true;
      if (!more(record)) return false;
      continue;
    }
    const char c = record[at++];
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (at < record.size() && record[at] == '"') {
        fields.back() += record[at++];
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().find_first_not_of(" \t") == std::string::npos) {
      quoted = true;
      fields.back().clear();
    } else if (c == separator) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
}

}  // namespace photoscribe
