// store_fixture: a store in a temporary folder, and short ways to say what a test is about.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <string_view>
#include <vector>

#include "scheduler/store/search.h"
#include "scheduler/store/store.h"
#include "tests/support/blur_scores.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::test {

/// The value, or a failed assertion with the message and the end of the test (it throws).
inline RunSettings settings(double blur_threshold = 100) {
  RunSettings s;
  s.model_hash = std::string(64, 'a');
  s.model_name = "test";
  s.blur.blur_threshold = blur_threshold;
  return s;
}

inline FoundFile file(std::string path, std::int64_t size_bytes = 1000) {
  FoundFile found;
  found.path = std::move(path);
  found.size_bytes = size_bytes;
  found.mtime_ns = 5;
  found.inode = 7;
  return found;
}

inline Result captioned(const Task& task, std::string text, double blur_score = 500) {
  Result result;
  result.image_id = task.image_id;
  result.attempt = task.attempt;
  Captioned outcome;
  outcome.caption.text = std::move(text);
  outcome.caption.log_prob = -3.5;
  outcome.caption.tokens = 4;
  result.outcome = std::move(outcome);
  result.blur_scores = test::every_mode(blur_score);
  result.width_px = 640;
  result.height_px = 480;
  result.finished_unix_ms = 1'700'000'000'123;
  return result;
}

inline Result blurred(const Task& task, double blur_score = 20) {
  Result result = captioned(task, "", blur_score);
  result.outcome = Blurred{};
  return result;
}

inline Result failed(const Task& task, Reason reason, std::string detail = "why") {
  Result result = captioned(task, "", 0);
  result.outcome = Failed{reason, std::move(detail)};
  result.blur_scores.reset();
  result.width_px = result.height_px = 0;
  return result;
}

inline Incoming incoming(std::vector<Result> results) {
  Incoming one;
  one.batches.push_back({"host:1:abc", std::move(results)});
  return one;
}

/// All rows of a query by the plain SQLite C API, columns joined by '|', NULL as "-".
inline std::vector<std::string> plain_rows(const std::string& database, const std::string& sql) {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;
  std::vector<std::string> rows;
  EXPECT_EQ(sqlite3_open_v2(database.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  sqlite3_busy_timeout(db, 60'000);  // who was killed leaves a log that somebody recovers now
  EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  while (sqlite3_step(statement) == SQLITE_ROW) {
    std::string row;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
      row += (i > 0 ? "|" : "") + std::string(text == nullptr ? "-" : text);
    }
    rows.push_back(row);
  }
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return rows;
}

class StoreTest : public ::testing::Test {
 protected:
  std::string database() const { return (folder_.path() / "archive.db").string(); }

  Store& store() { return *store_; }
  RunId run() const { return run_; }

  /// Closes and opens again, as the next process would.
  void reopen() {
    store_.reset();
    store_.emplace(must(Store::open_writer(database())));
  }

  void SetUp() override {
    reopen();
    run_ = must(store().ensure_run("default", settings())).run.id;
  }

  /// A whole scan of root "photos", in which exactly these files are found.
  ScanCounts scan(const std::vector<FoundFile>& files, bool whole = true, bool redo = false) {
    Scan one = must(store().begin_scan(run_, {{"photos", "/archive/photos"}}, redo));
    must(one.add(files));
    std::vector<Scan::Walked> walked;
    if (whole) walked.push_back({0, ""});
    return must(one.finish(walked, {}));
  }

  std::vector<Task> take(std::size_t count = 1000) { return must(store().take_tasks(run_, count)); }

  RecordReport record(std::vector<Result> results) {
    return must(store().record(run_, incoming(std::move(results))));
  }

  /// What a search for these words gives, as far as it is indexed.
  std::vector<ResultRow> hits(const std::string& query, SearchRequest request = {}) {
    std::vector<ResultRow> rows;
    request.query = query;
    must(store().search(request, [&rows](const ResultRow& row) {
      rows.push_back(row);
      return Status();
    }));
    return rows;
  }

  RunCounts counts() { return must(store().counts(run_)); }

  /// Table run_count says what a recount of the images says.
  void expect_counts_are_true() {
    EXPECT_EQ(plain_rows(database(),
                         "SELECT asked, state, reason, images FROM run_count WHERE images <> 0 "
                         "AND state <> 'vanished' ORDER BY 1, 2, 3"),
              plain_rows(database(),
                         "SELECT asked, verdict, coalesce(reason, ''), count(*) FROM image "
                         "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"));
    EXPECT_EQ(plain_rows(database(),
                         "SELECT coalesce(sum(images), 0) FROM run_count WHERE state = 'vanished'"),
              plain_rows(database(), "SELECT count(*) FROM image WHERE vanished = 1"));
  }

  TempDir folder_;
  std::optional<Store> store_;
  RunId run_ = 0;
};

/// A run whose settings change.
class RunStoreTest : public StoreTest {
 protected:
  std::vector<std::string> states() {
    return plain_rows(database(),
                      "SELECT state, caption, blur_score FROM caption_result ORDER BY uri");
  }
  EnsuredRun ensure(const RunSettings& wanted, bool redo = false) {
    return must(store().ensure_run("default", wanted, redo));
  }
};

}  // namespace photoscribe::test
