#include "scheduler/store/kept_columns.h"

#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {

std::int64_t KeptColumns::column(const std::string& name) {
  const auto known = ids_.find(name);
  if (known != ids_.end()) return known->second;
  db_.query("INSERT INTO kept_column (name) VALUES (?) ON CONFLICT DO NOTHING").with(name).run();
  auto row = db_.query("SELECT column_id FROM kept_column WHERE name = ?");
  row.with(name).step();
  return ids_[name] = row.integer(0);
}

int KeptColumns::keep(std::int64_t image_id, const KeptValues& values) {
  int news = 0;
  for (const auto& [name, value] : values) {
    if (name.empty()) continue;
    if (value.empty()) {
      news += db_.query("DELETE FROM kept_value WHERE image_id = ? AND column_id = ?")
                  .with(image_id, column(name))
                  .run();
    } else {
      news += db_.query(
                     "INSERT INTO kept_value VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = "
                     "excluded.value WHERE value <> excluded.value")
                  .with(image_id, column(name), value)
                  .run();
    }
  }
  return news;
}

int KeptColumns::add(std::int64_t image_id, const KeptValues& values) {
  int news = 0;
  for (const auto& [name, value] : values) {
    if (name.empty()) continue;
    const std::int64_t id = column(name);  // known by its name, whatever it holds
    if (value.empty()) continue;
    news += db_.query("INSERT INTO kept_value VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                .with(image_id, id, value)
                .run();
  }
  return news;
}

Expected<std::vector<std::string>> Lookup::kept_columns() {
  return impl_->db.read("list kept columns", [&] {
    std::vector<std::string> names;
    auto row = impl_->db.query("SELECT name FROM kept_column ORDER BY column_id");
    while (row.step()) names.push_back(row.text(0));
    return names;
  });
}

}  // namespace photoscribe
