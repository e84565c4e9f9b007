// What is kept beside a caption where a run asks for it: other captions, and where the model
// looked.
#include "common/sqlite/storage.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {

void StoreDatabase::add_looks(std::int64_t result_id, const Caption& caption) {
  std::int64_t ordinal = 0;
  for (const Alternative& one : caption.alternatives) {
    db.query(
          "INSERT INTO result_alternative (result_id, ordinal, caption, log_prob, tokens) "
          "VALUES (?, ?, ?, ?, ?)")
        .with(result_id, ordinal++, sqlite::text_of(one.text), one.log_prob, one.tokens)
        .run();
  }
  if (const auto& maps = caption.attention) {
    db.query("INSERT INTO result_attention (result_id, width, height, cells) VALUES (?, ?, ?, ?)")
        .with(result_id, maps->width, maps->height,
              sqlite::Blob{std::string(maps->cells.begin(), maps->cells.end())})
        .run();
  }
}

std::vector<Alternative> StoreDatabase::alternatives(std::int64_t result_id) {
  std::vector<Alternative> found;
  auto row = db.query(
      "SELECT caption, log_prob, tokens FROM result_alternative WHERE result_id = ? "
      "ORDER BY ordinal");
  row.with(result_id);
  while (row.step()) found.push_back({row.text(0), row.real(1), static_cast<int>(row.integer(2))});
  return found;
}

std::optional<AttentionMaps> StoreDatabase::attention(std::int64_t result_id) {
  auto row = db.query("SELECT width, height, cells FROM result_attention WHERE result_id = ?");
  if (!row.with(result_id).step()) return std::nullopt;
  AttentionMaps maps;
  maps.width = static_cast<int>(row.integer(0));
  maps.height = static_cast<int>(row.integer(1));
  const std::string cells = row.text(2);
  maps.cells.assign(cells.begin(), cells.end());
  return maps;
}

void StoreDatabase::copy_looks(const std::string& pairs) {
  db.execute(
      "INSERT INTO result_alternative (result_id, ordinal, caption, log_prob, tokens) "
      "SELECT pair.to_id, ordinal, caption, log_prob, tokens FROM (" +
      pairs + ") AS pair JOIN result_alternative ON result_id = pair.from_id");
  db.execute(
      "INSERT INTO result_attention (result_id, width, height, cells) "
      "SELECT pair.to_id, width, height, cells FROM (" +
      pairs + ") AS pair JOIN result_attention ON result_id = pair.from_id");
}

Expected<std::optional<AttentionMaps>> Lookup::attention(std::int64_t image_id) {
  return impl_->db.read("read attention", [&]() -> std::optional<AttentionMaps> {
    std::int64_t result_id = 0;
    {
      auto row = impl_->db.query(
          "SELECT result_id FROM image JOIN result USING (image_id, attempt) WHERE image_id = ?");
      if (!row.with(image_id).step()) return std::nullopt;
      result_id = row.integer(0);
    }
    return impl_->attention(result_id);
  });
}

}  // namespace photoscribe
