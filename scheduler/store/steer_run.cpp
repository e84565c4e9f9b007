// Changes by the verbs that control a run: retry, pause, resume and cancel.
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
namespace {

// Two conditions on the failed images of a run that were asked for; ?1 the run, ?2 what is wanted.
const std::string kOfReasons = "(?2 = ',' OR instr(?2, ',' || reason || ',') > 0)";
const std::string kOfImages = "image_id IN (SELECT value FROM json_each(?2))";

/// SQL of one such retry; static, since statements are cached by the address of their text.
struct RetrySql {
  explicit RetrySql(const std::string& which)
      : span(
            "SELECT min(image_id), max(image_id) FROM image WHERE run_id = ?1 "
            "AND state = 'failed' AND asked = 1 AND " +
            which),
        // Numbers from the end of the queue, in the order of their ids (protocol.md H5).
        raise(
            "UPDATE image SET attempt = attempt + 1, state = 'pending', reason = NULL, "
            "queue_seq = ?3 + image_id - ?4 WHERE run_id = ?1 AND state = 'failed' "
            "AND asked = 1 AND " +
            which) {}
  std::string span, raise;
};
const RetrySql kRetryReasons(kOfReasons);
const RetrySql kRetryImages(kOfImages);

std::int64_t retry(StoreDatabase& store, RunId run, const std::string& wanted,
                   const RetrySql& sql) {
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
  {
    auto row = store.db.query(sql.span.c_str());
    if (!row.with(run, wanted).step() || row.is_null(0)) return 0;
    lowest = row.integer(0);
    highest = row.integer(1);
  }
  const std::int64_t first = store.extend_queue(run, highest - lowest + 1);
  const int images = store.db.query(sql.raise.c_str()).with(run, wanted, first, lowest).run();
  store.recount(run);
  return images;
}

}  // namespace

Expected<std::int64_t> Manifest::retry_failed(RunId run, std::span<const Reason> reasons) {
  std::string wanted = ",";  // no reason's name has a comma
  for (const Reason reason : reasons) wanted += std::string(to_string(reason)) + ",";
  return impl_->db.write("retry failed photos",
                         [&] { return retry(*impl_, run, wanted, kRetryReasons); });
}

Expected<std::int64_t> Manifest::retry_images(RunId run, std::span<const std::int64_t> images) {
  std::string wanted = "[";
  for (const std::int64_t image : images) {
    wanted += (wanted.size() > 1 ? "," : "") + std::to_string(image);
  }
  wanted += "]";
  return impl_->db.write("retry failed photos",
                         [&] { return retry(*impl_, run, wanted, kRetryImages); });
}

Status Manifest::set_schedule(RunId run, const RunSchedule& schedule) {
  return impl_->db.write("store the run's schedule", [&] {
    impl_->db
        .query(
            "UPDATE run SET weight = ?, priority = ?, rate_per_s = nullif(?, 0), "
            "hours = nullif(?, ''), on_finish = nullif(?, '') WHERE run_id = ?")
        .with(schedule.weight, schedule.priority, schedule.rate_per_s, schedule.between,
              schedule.on_finish, run)
        .run();
  });
}

Status Manifest::set_control(RunId run, RunControl control) {
  return impl_->db.write("store the run's control", [&] {
    impl_->db.query("UPDATE run SET control = ? WHERE run_id = ?")
        .with(to_string(control), run)
        .run();
  });
}

Status Manifest::set_watched(RunId run, const std::string& submission) {
  return impl_->db.write("store that the run is watched", [&] {
    impl_->db.query("UPDATE run SET watched = nullif(?, '') WHERE run_id = ?")
        .with(submission, run)
        .run();
  });
}

Expected<std::map<RunId, std::string>> Lookup::watched_runs() {
  return impl_->db.read("list the watched runs", [&] {
    std::map<RunId, std::string> all;
    auto row = impl_->db.query("SELECT run_id, watched FROM run WHERE watched IS NOT NULL");
    while (row.step()) all[row.integer(0)] = row.text(1);
    return all;
  });
}

}  // namespace photoscribe
