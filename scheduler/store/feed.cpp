// For the feeder and reconcile: tasks after the cursor, and what is enqueued and unfinished.
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

Task task_of(const sqlite::Query& row) {
  Task task;
  task.image_id = row.integer(0);
  task.attempt = static_cast<std::int32_t>(row.integer(1));
  task.root = row.text(2);
  task.path = row.text(3);
  task.member = StoreDatabase::member(row, 4);
  return task;
}

}  // namespace

Expected<std::vector<Task>> Recording::take_tasks(RunId run, std::size_t count) {
  sqlite::Database& db = impl_->db;
  return db.write("take tasks", [&] {
    std::vector<Task> tasks;
    std::int64_t last = 0;
    {
      auto row = db.query(
          "SELECT image.image_id, image.attempt, root.name, image.path, image.member_offset, "
          "image.archive_bytes, image.queue_seq "
          "FROM image JOIN root USING (root_id) "
          "WHERE image.run_id = ?1 AND image.state = 'pending' AND image.asked = 1 "
          "AND image.queue_seq > (SELECT cursor FROM run WHERE run_id = ?1) "
          "ORDER BY image.queue_seq LIMIT ?2");
      row.with(run, count);
      while (row.step()) {
        tasks.push_back(task_of(row));
        last = row.integer(6);
      }
    }
    if (!tasks.empty()) {
      db.query("UPDATE run SET cursor = ? WHERE run_id = ?").with(last, run).run();
    }
    return tasks;
  });
}

Expected<std::vector<ImageAttempt>> Recording::unfinished_enqueued(RunId run) {
  return impl_->db.read("list unfinished images", [&] {
    std::vector<ImageAttempt> all;
    auto row = impl_->db.query(
        "SELECT image_id, attempt FROM image WHERE run_id = ?1 AND state = 'pending' AND asked = 1 "
        "AND queue_seq <= (SELECT cursor FROM run WHERE run_id = ?1) ORDER BY queue_seq");
    row.with(run);
    while (row.step()) {
      all.push_back({row.integer(0), static_cast<std::int32_t>(row.integer(1))});
    }
    return all;
  });
}

Expected<std::vector<Task>> Recording::tasks_of(RunId run, std::span<const ImageAttempt> images) {
  return impl_->db.read("read tasks", [&] {
    std::vector<Task> tasks;
    tasks.reserve(images.size());
    for (const ImageAttempt& image : images) {
      auto row = impl_->db.query(
          "SELECT image.image_id, image.attempt, root.name, image.path, "
          "image.member_offset, image.archive_bytes FROM image "
          "JOIN root USING (root_id) WHERE image.image_id = ? AND image.attempt = ? "
          "AND image.run_id = ? AND image.state = 'pending' AND image.asked = 1");
      if (row.with(image.image_id, image.attempt, run).step()) tasks.push_back(task_of(row));
    }
    return tasks;
  });
}

}  // namespace photoscribe
