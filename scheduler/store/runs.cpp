// Runs and their incarnations in Redis.
#include "common/sqlite/storage.h"
#include "common/text/utf8.h"
#include "scheduler/store/settings.h"
#include "scheduler/store/store.h"
#include "scheduler/store/store_impl.h"

namespace photoscribe {
const char* to_string(RunControl control) noexcept {
  switch (control) {
    case RunControl::paused:
      return "paused";
    case RunControl::cancelled:
      return "cancelled";
    case RunControl::running:
      break;
  }
  return "running";
}

RunControl run_control_from(std::string_view name) noexcept {
  return name == "paused"      ? RunControl::paused
         : name == "cancelled" ? RunControl::cancelled
                               : RunControl::running;
}

namespace {

// Static strings: statements are cached by the address of their text.
std::string select_run(const char* rest) {
  return std::string(
             "SELECT run.run_id, name, settings, incarnation, cursor, created_unix_ms, "
             "references_file, split_file, control, weight, priority, rate_per_s, hours, on_finish "
             "FROM run JOIN run_settings USING (settings_id) ") +
         rest;
}

const std::string kByName = select_run("WHERE name = ?");
const std::string kById = select_run("WHERE run.run_id = ?");
const std::string kAll = select_run("ORDER BY run.run_id");

Expected<RunRow> read_run(const sqlite::Query& row) {
  auto settings = parse_settings(row.text(2));
  if (!settings) return fail(settings.error());
  RunRow run;
  run.id = row.integer(0);
  run.name = row.text(1);
  run.settings = std::move(*settings);
  run.incarnation = row.optional_text(3);
  run.cursor = row.integer(4);
  run.created_unix_ms = row.integer(5);
  run.references_file = row.optional_text(6);
  run.split_file = row.optional_text(7);
  run.control = run_control_from(row.text(8));
  run.schedule.weight = static_cast<int>(row.integer(9));
  run.schedule.priority = static_cast<int>(row.integer(10));
  run.schedule.rate_per_s = row.optional_real(11).value_or(0);
  run.schedule.between = row.optional_text(12).value_or("");
  run.schedule.on_finish = row.optional_text(13).value_or("");
  return run;
}

Expected<std::optional<RunRow>> run_named(sqlite::Database& db, const std::string& name) {
  auto row = db.query(kByName.c_str());
  if (!row.with(name).step()) return std::optional<RunRow>();
  auto run = read_run(row);
  if (!run) return fail(run.error());
  return std::optional(std::move(*run));
}

Status check_name(const std::string& name) {
  if (name.empty() || !is_valid_utf8(name) || name.find_first_of("\n\r\t") != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return fail(Errc::usage, "run name \"" + sqlite::text_of(name) +
                                 "\": must be text on one line, and not empty");
  }
  return {};
}

std::string refusal(const std::string& name, const std::string& difference) {
  return "run \"" + name + "\" has other settings: " + difference +
         "; use the same to continue it, --new-run NAME for a separate run, or --redo to caption "
         "the named photos again";
}

void retire_incarnation(sqlite::Database& db, RunId run) {
  db.query(
        "INSERT INTO past_incarnation (incarnation, run_id, ended_unix_ms) "
        "SELECT incarnation, run_id, ? FROM run WHERE run_id = ? AND incarnation IS NOT NULL "
        "ON CONFLICT DO NOTHING")
      .with(now_unix_ms(), run)
      .run();
  db.query("UPDATE run SET incarnation = NULL WHERE run_id = ?").with(run).run();
}

/// The run's settings from now on; images keep those of their attempt.
void begin_settings(sqlite::Database& db, RunId run, const RunSettings& settings) {
  db.query("INSERT INTO run_settings (run_id, settings) VALUES (?, ?)")
      .with(run, to_json(settings))
      .run();
  db.query("UPDATE run SET settings_id = ? WHERE run_id = ?")
      .with(db.handle().getLastInsertRowid(), run)
      .run();
}

/// Settings with the same results.
void amend_settings(sqlite::Database& db, RunId run, const RunSettings& settings) {
  db.query(
        "UPDATE run_settings SET settings = ? "
        "WHERE settings_id = (SELECT settings_id FROM run WHERE run_id = ?)")
      .with(to_json(settings), run)
      .run();
}

/// True when a redo ended before its last photo.
bool redo_under_way(sqlite::Database& db, RunId run) {
  auto row = db.query(
      "SELECT redo = 'scanning' OR (redo = 'captioning' AND EXISTS (SELECT 1 FROM run_count "
      "WHERE run_count.run_id = run.run_id AND asked = 1 AND state = 'pending' AND images > 0)) "
      "FROM run WHERE run_id = ?");
  row.with(run).step();
  return row.integer(0) != 0;
}

void set_redo(sqlite::Database& db, RunId run, std::string_view state) {
  db.query("UPDATE run SET redo = ? WHERE run_id = ?").with(state, run).run();
}

}  // namespace

Expected<std::optional<RunRow>> StoreDatabase::run_row(RunId id) {
  auto row = db.query(kById.c_str());
  if (!row.with(id).step()) return std::optional<RunRow>();
  auto run = read_run(row);
  if (!run) return fail(run.error());
  return std::optional(std::move(*run));
}

Expected<RunRow> StoreDatabase::require_run(RunId id) {
  auto run = run_row(id);
  if (!run) return fail(run.error());
  if (!*run) {
    return fail(Errc::usage, "run number " + std::to_string(id) + ": not in this database");
  }
  return std::move(**run);
}

Expected<EnsuredRun> Manifest::ensure_run(const std::string& name, const RunSettings& settings,
                                          bool redo) {
  if (Status good = check_name(name); !good) return fail(good.error());
  StoreDatabase& impl = *impl_;
  return impl.db.write("prepare run " + name, [&]() -> Expected<EnsuredRun> {
    EnsuredRun report;
    const auto known = run_named(impl.db, name);
    if (!known) return fail(known.error());
    if (!*known) {
      impl.db.query("INSERT INTO run (name, created_unix_ms) VALUES (?, ?)")
          .with(name, now_unix_ms())
          .run();
      begin_settings(impl.db, impl.db.handle().getLastInsertRowid(), settings);
      report.created = true;
    } else {
      const RunRow& stored = **known;
      const std::string difference = result_altering_difference(stored.settings, settings);
      if (!difference.empty() && !redo) return fail(Errc::usage, refusal(name, difference));
      const bool under_way = redo_under_way(impl.db, stored.id);
      report.redone = redo && (!under_way || !difference.empty());
      if (report.redone) {
        begin_settings(impl.db, stored.id, settings);
      } else if (stored.settings != settings) {
        amend_settings(impl.db, stored.id, settings);
      }
      if (redo) {
        set_redo(impl.db, stored.id, "scanning");
      } else if (!under_way) {
        set_redo(impl.db, stored.id, "none");
      }
      const BlurSettings& was = stored.settings.blur;
      const bool blur_differs =
          was.mode != settings.blur.mode || was.blur_threshold != settings.blur.blur_threshold;
      if (blur_differs) {
        if (Status judged = impl.rejudge(stored.id, was, settings.blur, report); !judged) {
          return fail(judged.error());
        }
      }
      // A restored caption has the confidence that it had then.
      const bool confidence_differs = stored.settings.confidence != settings.confidence;
      if (confidence_differs || report.caption_restored > 0) {
        impl.judge_confidence(stored.id, settings.confidence);
      }
      if (blur_differs || confidence_differs ||
          stored.settings.min_confidence != settings.min_confidence) {
        const auto judged = impl.judge_unsure(stored.id, settings.min_confidence);
        report.became_unsure = judged.became_unsure;
        report.became_sure = judged.became_sure;
      }
    }
    auto run = run_named(impl.db, name);
    if (!run) return fail(run.error());
    report.run = std::move(**run);
    return report;
  });
}

Expected<std::optional<RunRow>> Lookup::find_run(const std::string& name) {
  return impl_->db.read("look for run " + name, [&] { return run_named(impl_->db, name); });
}

Expected<RunRow> Lookup::run(RunId run) {
  return impl_->db.read("read run", [&] { return impl_->require_run(run); });
}

Expected<std::vector<RunRow>> Lookup::runs() {
  return impl_->db.read("list runs", [&]() -> Expected<std::vector<RunRow>> {
    std::vector<RunRow> all;
    auto row = impl_->db.query(kAll.c_str());
    while (row.step()) {
      auto run = read_run(row);
      if (!run) return fail(run.error());
      all.push_back(std::move(*run));
    }
    return all;
  });
}

Status Manifest::set_references_file(RunId run, const std::string& base_name) {
  return impl_->db.write("store the name of the references", [&] {
    impl_->db.query("UPDATE run SET references_file = ? WHERE run_id = ?")
        .with(sqlite::text_of(base_name), run)
        .run();
  });
}

Status Manifest::set_split_file(RunId run, const std::string& base_name) {
  const auto name =
      base_name.empty() ? std::nullopt : std::optional<std::string>(sqlite::text_of(base_name));
  return impl_->db.write("store the name of the split", [&] {
    impl_->db.query("UPDATE run SET split_file = ? WHERE run_id = ?").with(name, run).run();
  });
}

Status Recording::begin_incarnation(RunId run, const std::string& incarnation) {
  return impl_->db.write("store incarnation", [&] {
    retire_incarnation(impl_->db, run);
    impl_->db.query("UPDATE run SET incarnation = ? WHERE run_id = ?").with(incarnation, run).run();
  });
}

Status Recording::end_incarnation(RunId run) {
  return impl_->db.write("end incarnation", [&] { retire_incarnation(impl_->db, run); });
}

Expected<std::vector<std::string>> Recording::past_incarnations(RunId run) {
  return impl_->db.read("read past incarnations", [&] {
    std::vector<std::string> all;
    auto row =
        impl_->db.query("SELECT incarnation FROM past_incarnation WHERE run_id = ? ORDER BY rowid");
    row.with(run);
    while (row.step()) all.push_back(row.text(0));
    return all;
  });
}

Status Recording::forget_incarnations(RunId run, std::int64_t unix_ms) {
  return impl_->db.write("forget past incarnations", [&] {
    impl_->db.query("DELETE FROM past_incarnation WHERE run_id = ? AND ended_unix_ms < ?")
        .with(run, unix_ms)
        .run();
  });
}

}  // namespace photoscribe
